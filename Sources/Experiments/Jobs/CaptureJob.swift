import Capture
import Foundation
import Inference
import TensorCore

/// Runs texts through a model and writes what the taps see to a capture file.
///
/// Each text becomes one sequence, or several of `tokensPerSequence` tokens;
/// every sequence starts with an empty cache. Memory is bounded by one sequence's
/// cache and the recorder's queue, however long the texts are together.
public struct CaptureJob {
    /// What to record, with the defaults that a manifest or command line leaves out.
    public struct Settings: Codable, Sendable, Equatable {
        public var tensors: [CapturedTensor] = CapturedTensor.allCases
        public var layers: LayerSelection = .all
        /// Tokens used of each text; `nil` uses all.
        public var maximumTokensPerText: Int?
        /// Longer texts are cut into sequences of this many tokens; `nil` cuts nothing.
        public var tokensPerSequence: Int?
        public var elementType: ElementType = .float16

        public init() {}
    }

    /// What a finished capture holds and what it took.
    public struct Summary: Sendable {
        public let tokens: Int
        public let sequences: Int
        public let secondsOfInference: Double
        /// Values beyond float16's range, stored as infinity.
        public let overflowedValues: Int
    }

    let model: LanguageModel
    let settings: Settings

    public init(model: LanguageModel, settings: Settings) {
        self.model = model
        self.settings = settings
    }

    /// One sequence to run: a name and its tokens.
    private struct Sequence {
        let name: String
        let tokens: [Int32]
    }

    /// Captures `texts` into `path`, which appears only when everything is written.
    ///
    /// - Parameter progress: receives the share done; what it throws stops the
    ///   capture and leaves `path + ".partial"`, marked incomplete and readable.
    /// - Throws: `CaptureJobError` for a text that does not fit, `ModelError`,
    ///   `CaptureError`, and what `progress` throws.
    @discardableResult
    public func run(
        texts: [TextFile],
        to path: String,
        overwrite: Bool,
        provenance: CaptureProvenance,
        progress: (Double) throws -> Void
    ) throws -> Summary {
        let configuration = model.configuration
        let layers = try settings.layers.resolve(layerCount: configuration.layers)
        let sequences = try texts.flatMap { try self.sequences(of: $0) }
        let recorder = try CaptureRecorder(
            path: path,
            metadata: provenance.metadata(of: model, texts: texts),
            tensors: Set(settings.tensors),
            layers: layers,
            elementType: settings.elementType,
            overwrite: overwrite
        )
        do {
            let total = sequences.reduce(0) { $0 + $1.tokens.count }
            var done = 0
            var seconds = 0.0
            for sequence in sequences {
                try recorder.beginSequence(
                    name: sequence.name,
                    tokens: sequence.tokens,
                    tokenBytes: sequence.tokens.map { model.tokenizer.tokenBytes($0) }
                )
                let cache = model.makeCache(capacity: sequence.tokens.count)
                var next = 0
                while next < sequence.tokens.count {
                    let end = min(next + Self.tokensPerStep, sequence.tokens.count)
                    let start = Date()
                    _ = try model.forward(
                        Array(sequence.tokens[next..<end]),
                        cache: cache,
                        logits: .none,
                        tap: recorder
                    )
                    seconds += Date().timeIntervalSince(start)
                    done += end - next
                    next = end
                    try progress(Double(done) / Double(total))
                }
            }
            let result = try recorder.finish()
            return Summary(
                tokens: total,
                sequences: sequences.count,
                secondsOfInference: seconds,
                overflowedValues: result.overflowed.values.reduce(0, +)
            )
        } catch {
            recorder.abandon()
            throw error
        }
    }

    /// One prefill block, so that progress moves and Ctrl-C is heard within seconds.
    private static let tokensPerStep = 512

    private func sequences(of text: TextFile) throws -> [Sequence] {
        var tokens = model.encode(text.bytes)
        if let limit = settings.maximumTokensPerText { tokens = Array(tokens.prefix(limit)) }
        guard !tokens.isEmpty else { throw CaptureJobError.noTokens(path: text.path) }
        let context = model.configuration.contextLength
        let length = settings.tokensPerSequence ?? tokens.count
        guard min(length, tokens.count) <= context else {
            throw CaptureJobError.textTooLong(path: text.path, tokens: min(length, tokens.count), context: context)
        }
        let starts = Array(stride(from: 0, to: tokens.count, by: length))
        return starts.map { start in
            let part = Array(tokens[start..<min(start + length, tokens.count)])
            return Sequence(name: starts.count == 1 ? text.name : "\(text.name)#\(start)", tokens: part)
        }
    }
}

/// Why a text cannot be captured.
public enum CaptureJobError: ActionableError {
    case noTokens(path: String)
    case textTooLong(path: String, tokens: Int, context: Int)
    case noSuchLayer(Int, layerCount: Int)
    case layerNotCaptured(Int, captured: String)
    case badLayerList(String)

    public var location: String? {
        switch self {
        case .noTokens(let path), .textTooLong(let path, _, _): path
        case .noSuchLayer, .layerNotCaptured, .badLayerList: nil
        }
    }

    public var problem: String {
        switch self {
        case .noTokens: "the text gives no tokens"
        case .textTooLong(_, let tokens, let context):
            "the text has \(tokens) tokens, more than the model's context of \(context)"
        case .noSuchLayer(let layer, _): "there is no layer \(layer)"
        case .layerNotCaptured(let layer, _): "layer \(layer) was not captured"
        case .badLayerList(let text): "cannot read '\(text)' as a list of layers"
        }
    }

    public var expected: String? {
        switch self {
        case .noTokens: "at least one character"
        case .textTooLong: nil
        case .noSuchLayer(_, let count): "layers 0 to \(count - 1)"
        case .layerNotCaptured(_, let captured): "some of \(captured)"
        case .badLayerList: "'all', or numbers and ranges such as 0,7-9"
        }
    }

    public var remedy: String? {
        switch self {
        case .textTooLong(_, _, let context):
            "Use the first part with --max-tokens \(context) (capture.max_tokens in a manifest), "
                + "or cut it into sequences with --sequence-tokens \(context) (capture.sequence_tokens)."
        default: nil
        }
    }
}
