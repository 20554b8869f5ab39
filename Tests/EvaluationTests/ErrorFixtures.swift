import Evaluation
import Inference
import Kernels
import Quantization
import TensorCore

/// Captured tensors in memory.
struct ArraySource: AttentionSource {
    var layers = [0]
    var heads: Int
    var kvHeads: Int
    var headDim: Int
    var sequences: [Range<Int>]
    var tensors: Set<CapturedTensor> = [.query, .key, .value]
    var attention: AttentionLayout?
    /// float16 bits `[token, head, channel]` of all tokens, by layer.
    var query: [Int: [UInt16]] = [:]
    var key: [Int: [UInt16]] = [:]
    var value: [Int: [UInt16]] = [:]

    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) -> [UInt16] {
        let (all, width) =
            switch tensor {
            case .query: (query[layer], heads * headDim)
            case .key: (key[layer], kvHeads * headDim)
            default: (value[layer], kvHeads * headDim)
            }
        return Array((all ?? [])[tokens.lowerBound * width..<tokens.upperBound * width])
    }

    func floats(_ tensor: CapturedTensor, layer: Int = 0) -> [Float] {
        HalfConversion.toFloat(half(tensor, layer: layer, tokens: 0..<(sequences.last?.upperBound ?? 0)))
    }

    /// Gaussian keys, values and queries; key channel `outlier` of each head is ten times as large.
    static func gaussian(
        layers: [Int] = [0],
        heads: Int = 4,
        kvHeads: Int = 2,
        headDim: Int = 32,
        sequences: [Range<Int>] = [0..<96],
        outlier: Int? = nil,
        seed: UInt64 = 1
    ) -> ArraySource {
        var source = ArraySource(
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            sequences: sequences
        )
        let tokens = sequences.last?.upperBound ?? 0
        var generator = SeededGenerator(seed: seed)
        func draw(_ heads: Int, outlier: Int? = nil) -> [UInt16] {
            HalfConversion.toHalf(
                (0..<tokens * heads * headDim).map { index in
                    let scale: Float = index % headDim == outlier ? 10 : 1
                    return scale * Float(generator.nextGaussian())
                }
            )
        }
        for layer in layers {
            source.query[layer] = draw(heads)
            source.key[layer] = draw(kvHeads, outlier: outlier)
            source.value[layer] = draw(kvHeads)
        }
        return source
    }
}

extension ErrorStudySettings {
    /// Settings for the given terms.
    static func terms(_ terms: [String], maximumQueries: Int = 256, metrics: [String]? = nil) throws
        -> ErrorStudySettings
    {
        var settings = ErrorStudySettings(schemes: try terms.map { try CacheScheme(parsing: $0) })
        settings.maximumQueries = maximumQueries
        if let metrics { settings.metrics = metrics }
        return settings
    }
}

extension ErrorStudyResult {
    /// One value of the table `errors`.
    func error(_ metric: String, _ tensor: String, _ scheme: String, layer: Int = 0, head: Int = 0) -> Double? {
        errors.rowViews.first {
            $0.string("metric") == metric && $0.string("tensor") == tensor && $0.string("scheme") == scheme
                && $0.integer("layer") == layer && $0.integer("head") == head
        }?.number("value")
    }
}
