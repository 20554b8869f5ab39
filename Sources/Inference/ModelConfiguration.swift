import ModelFormats

/// The sizes and constants of a model, as its file's metadata state them.
public struct ModelConfiguration: Sendable, Equatable {
    /// How RoPE pairs the channels of a head, in the channel order that taps see.
    public enum RopeLayout: String, Sendable, Codable {
        /// Channel i turns with channel i + headDim/2, as in the original checkpoints.
        case halves
    }

    public let architecture: String
    /// The file's own name for the model; the architecture's if it has none.
    public let name: String
    public let layers: Int
    public let heads: Int
    public let kvHeads: Int
    public let headDim: Int
    /// Channels of the residual stream.
    public let width: Int
    public let feedForwardWidth: Int
    /// Tokens.
    public let contextLength: Int
    public let vocabularySize: Int
    public let normEpsilon: Float
    public let ropeBase: Double
    public let ropeLayout: RopeLayout

    public var cacheShape: CacheShape {
        CacheShape(layers: layers, kvHeads: kvHeads, queriesPerHead: heads / kvHeads, headDim: headDim)
    }
}

extension ModelConfiguration {
    /// Largest count that is taken seriously; it keeps products of three within `Int`.
    private static let largestCount = 1 << 20

    /// Reads the keys that llama-like architectures share and checks them against each other.
    ///
    /// - Throws: `MetadataError` for missing keys, `ModelError` for values that contradict each other or ask for
    ///   a feature that is not implemented.
    init(decoderMetadata source: ModelSource) throws {
        let path = source.path
        let architecture = try source.string("general.architecture")
        func invalid(_ key: String, _ value: Any, _ expected: String) -> ModelError {
            .invalidConfiguration(path: path, key: key, value: "\(value)", expected: expected)
        }
        func count(_ suffix: String, default fallback: Int? = nil) throws -> Int {
            let key = "\(architecture).\(suffix)"
            let value =
                if let fallback { try source.integerIfPresent(key) ?? fallback } else { try source.integer(key) }
            guard (1...Self.largestCount).contains(value) else {
                throw invalid(key, value, "a count from 1 to \(Self.largestCount)")
            }
            return value
        }

        self.architecture = architecture
        name = try source.stringIfPresent("general.name") ?? architecture
        layers = try count("block_count")
        heads = try count("attention.head_count")
        kvHeads = try count("attention.head_count_kv", default: heads)
        width = try count("embedding_length")
        feedForwardWidth = try count("feed_forward_length")
        contextLength = try source.integerIfPresent("\(architecture).context_length") ?? Self.largestCount
        guard contextLength > 0 else {
            throw invalid("\(architecture).context_length", contextLength, "a number of tokens from 1 up")
        }
        guard heads.isMultiple(of: kvHeads) else {
            throw invalid("\(architecture).attention.head_count_kv", kvHeads, "a divisor of \(heads), the head count")
        }
        let keyLength = "attention.key_length"
        headDim = try count(keyLength, default: max(width / heads, 1))
        guard headDim.isMultiple(of: 2) else {
            throw invalid("\(architecture).\(keyLength)", headDim, "an even head dimension, since RoPE turns pairs")
        }
        vocabularySize = try Self.vocabularySize(source)
        let epsilonKey = "\(architecture).attention.layer_norm_rms_epsilon"
        normEpsilon = Float(try source.number(epsilonKey))
        guard normEpsilon >= 0, normEpsilon < 1 else { throw invalid(epsilonKey, normEpsilon, "a number in [0, 1)") }
        let baseKey = "\(architecture).rope.freq_base"
        ropeBase = try source.numberIfPresent(baseKey) ?? 10_000
        guard ropeBase > 1, ropeBase.isFinite else { throw invalid(baseKey, ropeBase, "a number above 1") }
        ropeLayout = .halves
        try Self.refuseUnsupported(source, architecture: architecture, headDim: headDim, contextLength: contextLength)
    }

    /// Rows of the embedding; a vocabulary of another size is a contradiction.
    private static func vocabularySize(_ source: ModelSource) throws -> Int {
        guard let embedding = source.tensors["token_embd.weight"] else {
            throw ModelError.missingTensors(path: source.path, names: ["token_embd.weight"])
        }
        let rows = embedding.dimensions.count == 2 ? embedding.dimensions[1] : 0
        if let tokens = source.metadata["tokenizer.ggml.tokens"]?.array?.count, tokens != rows {
            throw ModelError.invalidConfiguration(
                path: source.path,
                key: "tokenizer.ggml.tokens",
                value: "a list of \(tokens) tokens",
                expected: "one for each of the \(rows) rows of 'token_embd.weight'"
            )
        }
        return rows
    }

    /// Refuses what would silently change the function that the model computes.
    private static func refuseUnsupported(
        _ source: ModelSource,
        architecture: String,
        headDim: Int,
        contextLength: Int
    ) throws {
        func refuse(_ suffix: String, _ value: Any, _ expected: String) -> ModelError {
            .unsupportedFeature(
                path: source.path,
                key: "\(architecture).\(suffix)",
                value: "\(value)",
                expected: expected
            )
        }
        let scaling = "rope.scaling.type"
        if let kind = try source.stringIfPresent("\(architecture).\(scaling)"), kind != "none" {
            throw refuse(scaling, kind, "'none' or no such key: RoPE without scaling")
        }
        for suffix in ["rope.scaling.factor", "rope.scale_linear"] {
            if let factor = try source.numberIfPresent("\(architecture).\(suffix)"), factor != 1, factor != 0 {
                throw refuse(suffix, factor, "1 or no such key: RoPE without scaling")
            }
        }
        if source.tensors["rope_freqs.weight"] != nil {
            throw ModelError.unsupportedFeature(
                path: source.path,
                key: "rope_freqs.weight",
                value: "frequency factors",
                expected: "a model without them: RoPE without scaling"
            )
        }
        if let turned = try source.integerIfPresent("\(architecture).rope.dimension_count"), turned != headDim {
            throw refuse("rope.dimension_count", turned, "\(headDim): all channels of a head turn")
        }
        if let length = try source.integerIfPresent("\(architecture).attention.value_length"), length != headDim {
            throw refuse("attention.value_length", length, "\(headDim), as for keys")
        }
        if let window = try source.integerIfPresent("\(architecture).attention.sliding_window"),
            window > 0, window < contextLength
        {
            throw refuse("attention.sliding_window", window, "attention over the whole context of \(contextLength)")
        }
        if let experts = try source.integerIfPresent("\(architecture).expert_count"), experts > 0 {
            throw refuse("expert_count", experts, "0 or no such key: a dense model")
        }
    }
}
