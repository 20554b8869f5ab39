import Capture
import Inference
import Statistics
import TensorCore

/// One side of a comparison: what it is of, how it was made, and its tables.
public struct ComparisonSubject: Sendable {
    /// Something to know about a side, such as `model` or a key of its manifest.
    public struct Fact: Sendable, Equatable {
        public let key: String
        public let value: String

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// As the user named it.
    public let name: String
    /// Model, text and shape, in the order in which they are told.
    public var facts: [Fact]
    /// How it was made: keys of a manifest, or what a capture says of its making.
    public var settings: [Fact]
    /// Layers of the model; `nil` if that is not known.
    public var modelLayers: Int?
    /// By name.
    public var tables: [String: Table]
    /// For comparisons element by element; a run need not have kept its capture.
    public var capture: CaptureFile?

    public init(
        name: String,
        facts: [Fact] = [],
        settings: [Fact] = [],
        modelLayers: Int? = nil,
        tables: [String: Table] = [:],
        capture: CaptureFile? = nil
    ) {
        self.name = name
        self.facts = facts
        self.settings = settings
        self.modelLayers = modelLayers
        self.tables = tables
        self.capture = capture
    }

    /// A capture, with its statistics by layer and by channel computed.
    ///
    /// - Parameter progress: called with the share that is done, from 0 to 1.
    /// - Throws: `CaptureError`, what `progress` throws.
    /// - Complexity: one pass over the capture.
    public init(
        capture: CaptureFile,
        name: String,
        progress: (Double) throws -> Void = { _ in }
    ) throws {
        let metadata = capture.metadata
        self.init(
            name: name,
            facts: Self.facts(of: metadata)
                + (metadata.textSHA256s.contains(Self.unknown)
                    ? [] : [Fact("text_sha256", metadata.textSHA256s.joined(separator: ", "))]) + [
                    Fact("texts", capture.sequences.map { $0.name }.joined(separator: ", ")),
                    Fact("sequence_lengths", capture.sequences.map { "\($0.length)" }.joined(separator: ", ")),
                ],
            settings: [
                Fact("element_type", capture.elementType.rawValue), Fact("complete", capture.isComplete ? "yes" : "no"),
            ],
            modelLayers: metadata.layers,
            tables: try Self.statistics(of: capture, progress: progress),
            capture: capture
        )
    }

    /// The tables `statistics-layer` and `statistics-channel`.
    public static func statistics(
        of capture: CaptureFile,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> [String: Table] {
        var settings = StatisticsStudySettings()
        settings.grains = [.layer, .channel]
        let tables = try StatisticsStudy.run(capture, settings: settings, progress: progress)
        let wanted = [Comparison.layerTable, Comparison.channelTable]
        return Dictionary(uniqueKeysWithValues: tables.filter { wanted.contains($0.name) }.map { ($0.name, $0) })
    }

    /// What a capture says of its model; what an import did not know is left out.
    public static func facts(of metadata: CaptureMetadata) -> [Fact] {
        let all = [
            Fact("model", metadata.name), Fact("architecture", metadata.architecture),
            Fact("layers", "\(metadata.layers)"), Fact("heads", "\(metadata.heads)"),
            Fact("kv_heads", "\(metadata.kvHeads)"), Fact("head_dim", "\(metadata.headDim)"),
            Fact("rope_base", metadata.ropeBase == 0 ? unknown : "\(metadata.ropeBase)"),
            Fact("rope_layout", metadata.ropeLayout),
            Fact("vocabulary", metadata.vocabulary == 0 ? unknown : "\(metadata.vocabulary)"),
            Fact("weight_type", metadata.weightType), Fact("weights_sha256", metadata.weightsSHA256),
        ]
        return all.filter { $0.value != unknown }
    }

    /// What an import writes where a text is required and nothing is known.
    private static let unknown = "unknown"
}
