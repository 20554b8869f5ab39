import Experiments
import Foundation
import Inference
import ModelFormats
import TensorCore

/// What `inspect` says of a model file.
struct ModelSummary: Encodable {
    struct TensorEntry: Encodable {
        let name: String
        let elementType: ElementType
        /// Fastest axis first, as GGUF writes them.
        let dimensions: [Int]
        let byteOffset: Int
        let byteCount: Int
    }

    /// A model that can be run.
    struct Model: Encodable {
        let architecture, name: String
        let layers, heads, kvHeads, headDim, width, feedForwardWidth, contextLength, vocabularySize: Int
        let ropeBase: Double
        /// What turns the keys, in words; layers with a window may have another.
        let rope: String
        /// Layers that see a window of so many tokens, by that number.
        let windowLayers: [Int: Int]
        let notice: String?
        let caches: CacheFitSummary

        init(_ configuration: ModelConfiguration, caches: CacheFitSummary) {
            architecture = configuration.architecture
            name = configuration.name
            layers = configuration.layers
            heads = configuration.heads
            kvHeads = configuration.kvHeads
            headDim = configuration.headDim
            width = configuration.width
            feedForwardWidth = configuration.feedForwardWidth
            contextLength = configuration.contextLength
            vocabularySize = configuration.vocabularySize
            ropeBase = configuration.ropeBase
            rope = ModelSummary.rope(configuration)
            windowLayers = configuration.attention.layers.reduce(into: [:]) { counts, layer in
                if let window = layer.window { counts[window, default: 0] += 1 }
            }
            notice = configuration.notice
            self.caches = caches
        }
    }

    private static func rope(_ configuration: ModelConfiguration) -> String {
        func text(_ rotation: RotaryEmbedding) -> String {
            let base = "base \(rotation.base.formatted(.number.grouping(.never)))"
            guard let divisors = rotation.frequencyDivisors, let low = divisors.min(), let high = divisors.max() else {
                return base
            }
            func number(_ value: Float) -> String { value.formatted(.number.precision(.significantDigits(1...4))) }
            return low == high
                ? "\(base), positions divided by \(number(low))"
                : "\(base), frequencies divided by \(number(low)) to \(number(high))"
        }
        let rotations = configuration.attention.rotations
        let others = rotations.dropFirst().map { "; layers with a window: \(text($0))" }.joined()
        return text(rotations[0]) + others
    }

    let path: String
    let format: ModelSource.Format
    let byteCount: Int
    let parameterCount: Int
    /// Tensors of each type of element.
    let tensorTypes: [String: Int]
    /// What runs and what its caches take; `nil` for a model whose configuration is not supported.
    private(set) var model: Model?
    private(set) var problem: String?
    let metadata: [String: String]
    let tensors: [TensorEntry]

    /// - Parameters:
    ///   - caches: to account for.
    ///   - tokens: the length to account at; `nil` for the model's context, but 4,096 at most.
    ///   - memoryBytes: what weights and caches may take.
    /// - Throws: what accounting throws; a model that cannot be run is a summary that says why.
    init(_ source: ModelSource, caches: [CacheSpecification], tokens: Int?, memoryBytes: Int) throws {
        path = source.path
        format = source.format
        byteCount = source.weightFiles.reduce(0) { $0 + $1.byteCount }
        parameterCount = source.orderedTensors.reduce(0) { $0 + $1.elementCount }
        tensorTypes = source.orderedTensors.reduce(into: [:]) { $0[$1.elementType.rawValue, default: 0] += 1 }
        metadata = source.metadata.mapValues { $0.summary }
        tensors = source.orderedTensors.map {
            TensorEntry(
                name: $0.name,
                elementType: $0.elementType,
                dimensions: $0.dimensions,
                byteOffset: $0.byteOffset,
                byteCount: $0.byteCount
            )
        }
        let configuration: ModelConfiguration
        do {
            configuration = try ModelConfiguration.read(source)
        } catch let error as any ActionableError {
            problem = "\(error)"
            return
        }
        model = Model(
            configuration,
            caches: try CacheFitSummary(
                configuration,
                caches: caches,
                tokens: tokens,
                weightBytes: source.weightBytes,
                memoryBytes: memoryBytes
            )
        )
        // Tensors and the tokenizer are looked at as running it would.
        do { _ = try LanguageModel(source: source) } catch let error as any ActionableError { problem = "\(error)" }
    }

    var text: String {
        let types = tensorTypes.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { "\($0.key) ×\($0.value)" }
        var rows = [["file", path], ["format", format.rawValue], ["size", byteText(byteCount)]]
        if let model { rows += model.rows }
        if let problem { rows.append(["cannot be run", problem]) }
        rows += [
            ["parameters", "\(parameterCount)"], ["tensors", "\(tensors.count): \(types.joined(separator: ", "))"],
        ]
        let table = tensors.map {
            [
                $0.name, $0.elementType.rawValue, $0.dimensions.map { "\($0)" }.joined(separator: " × "),
                byteText($0.byteCount),
            ]
        }
        // Of some folders thousands of lines, a few for each added token.
        let listed = metadata.filter { !$0.key.hasPrefix("tokenizer_config.added_tokens_decoder.") }
        return [
            TextColumns(rows).text, model?.caches.text,
            TextColumns(listed.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }).text,
            TextColumns([["tensor", "type", "dimensions", "size"]] + table).text,
        ].compactMap { $0 }.joined(separator: "\n\n")
    }
}

extension ModelSummary.Model {
    fileprivate var rows: [[String]] {
        let windows = windowLayers.sorted { $0.key < $1.key }
            .map { ", \($0.value) of them with a window of \($0.key) tokens" }.joined()
        return [
            ["architecture", architecture], ["name", name], ["layers", "\(layers)\(windows)"],
            ["heads", "\(heads) query, \(kvHeads) key/value, \(headDim) channels each"],
            ["width", "\(width), feed-forward \(feedForwardWidth)"], ["context", "\(contextLength) tokens"],
            ["vocabulary", "\(vocabularySize) tokens"], ["rope", rope],
        ] + (notice.map { [["note", $0]] } ?? [])
    }
}
