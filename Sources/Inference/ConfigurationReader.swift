import ModelFormats

/// What a family of models has in its own way, for the reading of configurations.
struct DecoderFamily: Sendable {
    /// Which layers see a window where the file names one.
    enum Windows: Sendable {
        /// None; but for Hugging Face's `use_sliding_window`.
        case unused
        case everyLayer
        /// All but the last of so many, which turn with a base of their own.
        case allButOne(in: Int, localBase: Double)
    }

    let id: String
    /// Of tensors in a Hugging Face folder.
    var huggingFaceNames: TensorNames.HuggingFace
    /// Keys of a Hugging Face folder by ggml's, where they are not the usual ones.
    var huggingFaceKeys: [String: String] = [:]
    var epsilonKey = "attention.layer_norm_rms_epsilon"
    var windows = Windows.unused
    /// The feed-forward's function by its key and name in a Hugging Face folder, the only one that is computed.
    var activation = (key: "hidden_act", name: "silu")
    /// Where no key says it.
    var kvHeads: Int?
    /// Of the width, where no key says the feed-forward's.
    var feedForwardFactor: Int?
    /// What transformers takes where a folder leaves a key out, by ggml's keys or, where it has none, the folder's.
    var huggingFaceDefaults: [String: Double] = [:]

    func names(_ source: ModelSource) -> TensorNames { TensorNames(source, huggingFace: huggingFaceNames) }
}

/// Reads a model's configuration by ggml's keys, whatever the format, and refuses what would silently change the
/// function that the model computes.
struct ConfigurationReader {
    let source: ModelSource
    let family: DecoderFamily

    /// Largest count that is taken seriously; it keeps products of three within `Int`.
    static let largestCount = 1 << 20

    private static let huggingFaceKeys = [
        "block_count": "num_hidden_layers", "attention.head_count": "num_attention_heads",
        "attention.head_count_kv": "num_key_value_heads", "embedding_length": "hidden_size",
        "feed_forward_length": "intermediate_size", "context_length": "max_position_embeddings",
        "attention.key_length": "head_dim", "attention.layer_norm_rms_epsilon": "rms_norm_eps",
        "attention.sliding_window": "sliding_window", "expert_count": "num_local_experts",
    ]

    var isHuggingFace: Bool { source.format == .huggingFace }

    /// The format's own key.
    func key(_ suffix: String) -> String {
        guard isHuggingFace else { return "\(family.id).\(suffix)" }
        return family.huggingFaceKeys[suffix] ?? Self.huggingFaceKeys[suffix] ?? suffix
    }

    // MARK: - Values

    func count(_ suffix: String, default fallback: Int? = nil) throws -> Int {
        let value =
            if let fallback { try integerIfPresent(suffix) ?? fallback } else { try source.integer(key(suffix)) }
        guard (1...Self.largestCount).contains(value) else {
            throw invalid(suffix, value, "a count from 1 to \(Self.largestCount)")
        }
        return value
    }

    func integerIfPresent(_ suffix: String) throws -> Int? {
        try source.integerIfPresent(key(suffix)) ?? usual(suffix).map { Int($0) }
    }
    func number(_ suffix: String) throws -> Double { try source.number(key(suffix)) }
    func numberIfPresent(_ suffix: String) throws -> Double? {
        try source.numberIfPresent(key(suffix)) ?? usual(suffix)
    }

    private func usual(_ suffix: String) -> Double? { isHuggingFace ? family.huggingFaceDefaults[suffix] : nil }

    func modelName() throws -> String {
        guard isHuggingFace else { return try source.stringIfPresent("general.name") ?? family.id }
        let folder = source.path.split(separator: "/").last.map(String.init)
        return folder.flatMap { $0.allSatisfy { $0 == "." } ? nil : $0 } ?? family.id
    }

    /// Tokens.
    func contextLength() throws -> Int {
        let length = try integerIfPresent("context_length") ?? Self.largestCount
        guard length > 0 else { throw invalid("context_length", length, "a number of tokens from 1 up") }
        return length
    }

    /// Rows of the embedding; a vocabulary of another size is a contradiction.
    func vocabularySize() throws -> Int {
        let embedding = family.names(source)("token_embd")
        guard let tensor = source.tensors[embedding] else {
            throw ModelError.missingTensors(path: source.path, names: [embedding])
        }
        let rows = tensor.dimensions.count == 2 ? tensor.dimensions[1] : 0
        let (key, stated) =
            isHuggingFace
            ? ("vocab_size", try source.integerIfPresent("vocab_size"))
            : ("tokenizer.ggml.tokens", source.metadata["tokenizer.ggml.tokens"]?.array?.count)
        if let stated, stated != rows {
            throw ModelError.invalidConfiguration(
                path: source.path,
                key: key,
                value: isHuggingFace ? "\(stated)" : "a list of \(stated) tokens",
                expected: "one for each of the \(rows) rows of '\(embedding)'"
            )
        }
        return rows
    }

    /// Factor on scores if it is stated.
    func attentionScale() throws -> Float? {
        guard let stated = try numberIfPresent("attention.scale"), stated != 0 else { return nil }
        guard stated > 0, stated.isFinite else { throw invalid("attention.scale", stated, "a number above 0") }
        return Float(stated)
    }

    // MARK: - Windows

    /// The window and, of each layer, whether it has it; `nil` if none has.
    func windows(layers: Int, contextLength: Int) throws -> (window: Int, isLocal: [Bool])? {
        guard let window = try integerIfPresent("attention.sliding_window"), window != 0 else { return nil }
        guard window > 0 else {
            throw invalid("attention.sliding_window", window, "a number of tokens from 1 up, or none")
        }
        if isHuggingFace {
            if let types = try source.stringsIfPresent("layer_types") {
                guard types.count == layers else {
                    throw invalid("layer_types", "a list of \(types.count)", "one for each of the \(layers) layers")
                }
                if let other = types.first(where: { !["sliding_attention", "full_attention"].contains($0) }) {
                    throw unsupported("layer_types", other, "'sliding_attention' or 'full_attention'")
                }
                return (window, types.map { $0 == "sliding_attention" })
            }
            if case .unused = family.windows {
                guard try source.booleanIfPresent("use_sliding_window") == true else { return nil }
                let first = try source.integerIfPresent("max_window_layers") ?? layers
                return (window, (0..<layers).map { $0 >= first })
            }
        }
        switch family.windows {
        case .unused:
            guard window < contextLength else { return nil }
            let expected = "attention over the whole context of \(contextLength), as this family has it"
            throw unsupported("attention.sliding_window", window, expected)
        case .everyLayer: return (window, Array(repeating: true, count: layers))
        case .allButOne(let period, _):
            let stated = isHuggingFace ? try source.integerIfPresent("sliding_window_pattern") : nil
            let period = max(1, stated ?? period)
            return (window, (0..<layers).map { $0 % period < period - 1 })
        }
    }

    // MARK: - Refusals

    func refuseUnsupported(headDim: Int) throws {
        try refuseCount("expert_count", unless: 0, "0 or no such key: a dense model")
        for suffix in ["attn_logit_softcapping", "final_logit_softcapping", "attention.max_alibi_bias"] {
            guard let value = try numberIfPresent(suffix), value != 0 else { continue }
            throw unsupported(suffix, value, "no such key: positions by RoPE, scores and logits as they are")
        }
        if isHuggingFace {
            try refuseUnsupportedHuggingFace()
        } else {
            try refuseCount("rope.dimension_count", unless: headDim, "\(headDim): all channels of a head turn")
            try refuseCount("attention.value_length", unless: headDim, "\(headDim), as for keys")
            if let factor = try numberIfPresent("rope.scaling.attn_factor"), factor != 1 {
                throw unsupported("rope.scaling.attn_factor", factor, "1 or no such key: RoPE that keeps lengths")
            }
            if try source.booleanIfPresent(key("attention.causal")) == false {
                throw unsupported("attention.causal", false, "a decoder, whose tokens see none after them")
            }
        }
    }

    private func refuseUnsupportedHuggingFace() throws {
        let (key, wanted) = family.activation
        if let activation = try source.stringIfPresent(key), activation != wanted {
            throw unsupported(key, activation, "'\(wanted)'")
        }
        if let factor = try source.numberIfPresent("partial_rotary_factor"), factor != 1 {
            throw unsupported("partial_rotary_factor", factor, "1 or no such key: all channels of a head turn")
        }
        if let method = try source.stringIfPresent("quantization_config.quant_method") {
            throw unsupported("quantization_config.quant_method", method, "weights in float32, float16 or bfloat16")
        }
        if try source.booleanIfPresent("use_bidirectional_attention") == true {
            throw unsupported("use_bidirectional_attention", true, "a decoder, whose tokens see none after them")
        }
    }

    private func refuseCount(_ suffix: String, unless wanted: Int, _ expected: String) throws {
        guard let value = try integerIfPresent(suffix), value != wanted else { return }
        throw unsupported(suffix, value, expected)
    }

    func invalid(_ suffix: String, _ value: Any, _ expected: String) -> ModelError {
        .invalidConfiguration(path: source.path, key: key(suffix), value: "\(value)", expected: expected)
    }

    func unsupported(_ suffix: String, _ value: Any, _ expected: String) -> ModelError {
        .unsupportedFeature(path: source.path, key: key(suffix), value: "\(value)", expected: expected)
    }
}
