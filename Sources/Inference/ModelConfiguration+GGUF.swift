import Kernels
import ModelFormats

extension ModelConfiguration {
    /// Which layers of a family see the whole context.
    enum WindowPattern {
        /// All, whatever the file says of windows.
        case none
        /// None, if the file names a window.
        case everyLayer
        /// One in so many, the last of them; the others have a window and a rotation of their own base.
        case allButOne(in: Int, localBase: Double)
    }

    /// Largest count that is taken seriously; it keeps products of three within `Int`.
    private static let largestCount = 1 << 20

    /// Reads the keys that decoders share and checks them against each other.
    ///
    /// - Parameters:
    ///   - epsilonKey: of the norms, less the architecture.
    ///   - windows: where the file names a window, the layers that have it.
    /// - Throws: `GGUFError` for missing keys, `ModelError` for values that contradict each other or ask for
    ///   a feature that is not implemented.
    init(
        decoderMetadata file: GGUFFile,
        epsilonKey: String = "attention.layer_norm_rms_epsilon",
        windows: WindowPattern = .none
    ) throws {
        let path = file.file.path
        let architecture = try file.string("general.architecture")
        func invalid(_ key: String, _ value: Any, _ expected: String) -> ModelError {
            .invalidConfiguration(path: path, key: key, value: "\(value)", expected: expected)
        }
        func count(_ suffix: String, default fallback: Int? = nil) throws -> Int {
            let key = "\(architecture).\(suffix)"
            let value =
                if let fallback { try file.integerIfPresent(key) ?? fallback } else { try file.integer(key) }
            guard (1...Self.largestCount).contains(value) else {
                throw invalid(key, value, "a count from 1 to \(Self.largestCount)")
            }
            return value
        }

        self.architecture = architecture
        name = try file.stringIfPresent("general.name") ?? architecture
        layers = try count("block_count")
        heads = try count("attention.head_count")
        kvHeads = try count("attention.head_count_kv", default: heads)
        width = try count("embedding_length")
        feedForwardWidth = try count("feed_forward_length")
        contextLength = try file.integerIfPresent("\(architecture).context_length") ?? Self.largestCount
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
        vocabularySize = try Self.vocabularySize(file)
        let epsilonKey = "\(architecture).\(epsilonKey)"
        normEpsilon = Float(try file.number(epsilonKey))
        guard normEpsilon >= 0, normEpsilon < 1 else { throw invalid(epsilonKey, normEpsilon, "a number in [0, 1)") }
        ropeLayout = .halves
        let scaleKey = "\(architecture).attention.scale"
        attentionScale = Float(try file.numberIfPresent(scaleKey) ?? 0)
        if attentionScale == 0 { attentionScale = 1 / Float(headDim).squareRoot() }
        guard attentionScale > 0, attentionScale.isFinite else { throw invalid(scaleKey, attentionScale, "above 0") }
        rotations = [try Self.rotation(file, architecture: architecture, headDim: headDim)]
        layerAttention = Array(repeating: LayerAttention(window: nil, rotation: 0), count: layers)
        try setWindows(file, windows)
        try refuseUnsupported(file)
    }

    /// Rows of the embedding; a vocabulary of another size is a contradiction.
    private static func vocabularySize(_ file: GGUFFile) throws -> Int {
        guard let embedding = file.tensors["token_embd.weight"] else {
            throw ModelError.missingTensors(path: file.file.path, names: ["token_embd.weight"])
        }
        let rows = embedding.dimensions.count == 2 ? embedding.dimensions[1] : 0
        if let tokens = file.metadata["tokenizer.ggml.tokens"]?.array?.count, tokens != rows {
            throw ModelError.invalidConfiguration(
                path: file.file.path,
                key: "tokenizer.ggml.tokens",
                value: "a list of \(tokens) tokens",
                expected: "one for each of the \(rows) rows of 'token_embd.weight'"
            )
        }
        return rows
    }

    // MARK: - RoPE

    /// The rotation of layers that see the whole context, with what makes it longer.
    private static func rotation(_ file: GGUFFile, architecture: String, headDim: Int) throws -> RotaryEmbedding {
        func check(_ isSound: Bool, _ key: String, _ value: Any, _ expected: String) throws {
            guard !isSound else { return }
            throw ModelError.invalidConfiguration(
                path: file.file.path,
                key: key,
                value: "\(value)",
                expected: expected
            )
        }
        let baseKey = "\(architecture).rope.freq_base"
        let base = try file.numberIfPresent(baseKey) ?? 10_000
        try check(base > 1 && base.isFinite, baseKey, base, "a number above 1")

        var divisors: [Float]?
        let tensor = "rope_freqs.weight", pairs = headDim / 2
        if file.tensors[tensor] != nil {
            let requirement = TensorRequirement.vector(tensor, count: pairs)
            let values = try WeightLoader(file: file, requirements: [requirement]).vector(tensor)
            let wrong = values.first { !($0 > 0 && $0.isFinite) }
            try check(wrong == nil, tensor, wrong ?? 0, "divisors of frequencies, numbers above 0")
            divisors = values
        }

        let kindKey = "\(architecture).rope.scaling.type"
        let kind = try file.stringIfPresent(kindKey) ?? "none"
        guard ["none", "linear"].contains(kind) else {
            throw ModelError.unsupportedFeature(
                path: file.file.path,
                key: kindKey,
                value: kind,
                expected: "'none', 'linear' or the tensor 'rope_freqs.weight'"
            )
        }
        var rotation = RotaryEmbedding(base: base, frequencyDivisors: divisors)
        for suffix in ["rope.scaling.factor", "rope.scale_linear"] {
            let key = "\(architecture).\(suffix)"
            // 0 stands for no scaling.
            guard let factor = try file.numberIfPresent(key), factor != 0 else { continue }
            try check(factor > 0 && factor.isFinite, key, factor, "a number above 0")
            rotation = rotation.stretched(by: factor, pairs: pairs)
            break
        }
        return rotation
    }

    // MARK: - Windows

    private mutating func setWindows(_ file: GGUFFile, _ pattern: WindowPattern) throws {
        let key = "\(architecture).attention.sliding_window"
        guard let window = try file.integerIfPresent(key), window != 0 else { return }
        guard window > 0 else {
            throw ModelError.invalidConfiguration(
                path: file.file.path,
                key: key,
                value: "\(window)",
                expected: "a number of tokens from 1 up, or 0 for none"
            )
        }
        switch pattern {
        case .none:
            guard window < contextLength else { return }
            throw ModelError.unsupportedFeature(
                path: file.file.path,
                key: key,
                value: "\(window)",
                expected: "attention over the whole context of \(contextLength), as this family has it"
            )
        case .everyLayer: layerAttention = layerAttention.map { LayerAttention(window: window, rotation: $0.rotation) }
        case .allButOne(let period, let localBase):
            setLocalLayers(
                (0..<layers).map { $0 % period < period - 1 },
                window: window,
                rotation: RotaryEmbedding(base: localBase)
            )
        }
    }

    /// Gives some layers a window and a rotation of their own.
    ///
    /// - Parameter isLocal: one a layer.
    mutating func setLocalLayers(_ isLocal: [Bool], window: Int, rotation: RotaryEmbedding) {
        let index = rotations.firstIndex(of: rotation) ?? rotations.count
        if index == rotations.count { rotations.append(rotation) }
        for layer in isLocal.indices where isLocal[layer] {
            layerAttention[layer] = LayerAttention(window: window, rotation: index)
        }
    }

    // MARK: - Refusals

    /// Refuses what would silently change the function that the model computes.
    private func refuseUnsupported(_ file: GGUFFile) throws {
        func refuse(_ suffix: String, _ value: Any, _ expected: String) -> ModelError {
            .unsupportedFeature(
                path: file.file.path,
                key: "\(architecture).\(suffix)",
                value: "\(value)",
                expected: expected
            )
        }
        func refuseAnyOther(_ suffix: String, _ wanted: Int, _ expected: String) throws {
            guard let value = try file.integerIfPresent("\(architecture).\(suffix)"), value != wanted else { return }
            throw refuse(suffix, value, expected)
        }
        try refuseAnyOther("rope.dimension_count", headDim, "\(headDim): all channels of a head turn")
        try refuseAnyOther("attention.value_length", headDim, "\(headDim), as for keys")
        try refuseAnyOther("expert_count", 0, "0 or no such key: a dense model")
        for (suffix, neutral, expected) in [
            ("rope.scaling.attn_factor", 1, "1 or no such key: RoPE that keeps lengths"),
            ("attention.max_alibi_bias", 0, "no such key: positions by RoPE, not ALiBi"),
            ("attn_logit_softcapping", 0, "no such key: scores without a soft cap"),
            ("final_logit_softcapping", 0, "no such key: logits without a soft cap"),
        ] {
            guard let value = try file.numberIfPresent("\(architecture).\(suffix)") else { continue }
            guard value == Double(neutral) else { throw refuse(suffix, value, expected) }
        }
        if try file.booleanIfPresent("\(architecture).attention.causal") == false {
            throw refuse("attention.causal", false, "a decoder, whose tokens see none after them")
        }
    }
}
