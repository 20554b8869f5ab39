import ModelFormats

extension ConfigurationReader {
    /// The rotation of layers that see the whole context, with what makes it longer.
    func rotation(pairs: Int) throws -> RotaryEmbedding {
        guard isHuggingFace else { return try ggufRotation(pairs: pairs) }
        let prefixes = Self.globalPrefixes
        return try huggingFaceRotation(
            pairs: pairs,
            prefixes: prefixes,
            baseKeys: prefixes.map { $0 + "rope_theta" } + ["rope_theta"],
            usualBase: family.huggingFaceDefaults["rope_theta"] ?? 10_000
        )
    }

    /// The rotation of layers with a window, where it is another.
    func localRotation(pairs: Int) throws -> RotaryEmbedding? {
        guard case .allButOne(_, let usual) = family.windows else { return nil }
        if isHuggingFace {
            return try huggingFaceRotation(
                pairs: pairs,
                prefixes: [Self.localPrefix],
                baseKeys: [Self.localPrefix + "rope_theta", "rope_local_base_freq"],
                usualBase: usual
            )
        }
        let key = key("rope.freq_base_swa"), base = try source.numberIfPresent(key) ?? usual
        try check(base > 1 && base.isFinite, key, base, "a number above 1")
        return RotaryEmbedding(base: base)
    }

    private func check(_ isSound: Bool, _ key: String, _ value: Any, _ expected: String) throws {
        guard !isSound else { return }
        throw ModelError.invalidConfiguration(path: source.path, key: key, value: "\(value)", expected: expected)
    }

    // MARK: - GGUF

    private func ggufRotation(pairs: Int) throws -> RotaryEmbedding {
        let base = try numberIfPresent("rope.freq_base") ?? 10_000
        try check(base > 1 && base.isFinite, key("rope.freq_base"), base, "a number above 1")

        let tensor = "rope_freqs.weight"
        let loader = try WeightLoader(
            source: source,
            requirements: [TensorRequirement(name: tensor, dimensions: [pairs], isOptional: true)]
        )
        let divisors = try loader.vectorIfPresent(tensor)
        if let wrong = divisors?.first(where: { !($0 > 0 && $0.isFinite) }) {
            try check(false, tensor, wrong, "divisors of frequencies, numbers above 0")
        }

        let kind = try source.stringIfPresent(key("rope.scaling.type")) ?? "none"
        guard ["none", "linear"].contains(kind) else {
            throw unsupported("rope.scaling.type", kind, "'none', 'linear' or the tensor '\(tensor)'")
        }
        let rotation = RotaryEmbedding(base: base, frequencyDivisors: divisors)
        for suffix in ["rope.scaling.factor", "rope.scale_linear"] {
            // 0 stands for no scaling.
            guard let factor = try numberIfPresent(suffix), factor != 0 else { continue }
            try check(factor > 0 && factor.isFinite, key(suffix), factor, "a number above 0")
            return rotation.stretched(by: factor, pairs: pairs)
        }
        return rotation
    }

    // MARK: - Hugging Face

    /// Where a folder states the rotation of layers that see the whole context; the first that it has counts.
    private static let globalPrefixes = ["rope_parameters.full_attention.", "rope_parameters.", "rope_scaling."]
    /// The same of layers with a window; older folders state only a base for them, outside.
    private static let localPrefix = "rope_parameters.sliding_attention."

    private func huggingFaceRotation(
        pairs: Int,
        prefixes: [String],
        baseKeys: [String],
        usualBase: Double
    ) throws -> RotaryEmbedding {
        func ropeKey(_ name: String) -> String? {
            prefixes.map { $0 + name }.first { source.metadata[$0] != nil }
        }
        func positive(_ name: String, default fallback: Double? = nil) throws -> Double {
            let key = ropeKey(name) ?? name
            let value = try source.numberIfPresent(key) ?? fallback ?? source.number(key)
            try check(value > 0 && value.isFinite, key, value, "a number above 0")
            return value
        }
        let baseKey = baseKeys.first { source.metadata[$0] != nil }
        let base = try baseKey.flatMap { try source.numberIfPresent($0) } ?? usualBase
        try check(base > 1 && base.isFinite, baseKey ?? "rope_theta", base, "a number above 1")
        let rotation = RotaryEmbedding(base: base)

        let kindKey = ropeKey("rope_type") ?? ropeKey("type")
        guard let kindKey, let kind = try source.stringIfPresent(kindKey) else { return rotation }
        switch kind {
        case "default": return rotation
        case "linear": return rotation.stretched(by: try positive("factor"), pairs: pairs)
        case "llama3":
            let low = try positive("low_freq_factor"), high = try positive("high_freq_factor")
            let highKey = ropeKey("high_freq_factor") ?? "high_freq_factor"
            try check(high > low, highKey, high, "more than low_freq_factor, \(low)")
            return rotation.stretched(
                by: try positive("factor"),
                turns: low..<high,
                context: try positive("original_max_position_embeddings", default: Double(try contextLength())),
                pairs: pairs
            )
        default:
            throw ModelError.unsupportedFeature(
                path: source.path,
                key: kindKey,
                value: kind,
                expected: "'default', 'linear' or 'llama3'"
            )
        }
    }
}
