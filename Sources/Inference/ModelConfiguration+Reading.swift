import ModelFormats

extension ModelConfiguration {
    /// Reads a model's sizes from the header of its file or its folder, without its vocabulary or weights.
    ///
    /// - Throws: what ``ModelSource`` throws, `MetadataError` or `ModelError`, as opening the whole model would.
    public static func read(_ path: String) throws -> ModelConfiguration {
        try read(ModelSource(path: path))
    }

    /// - Throws: `MetadataError` or `ModelError`.
    public static func read(_ source: ModelSource) throws -> ModelConfiguration {
        try ArchitectureCatalogue.architecture(of: source).configuration(source)
    }

    /// Reads the keys that decoders share and checks them against each other.
    ///
    /// - Throws: `MetadataError` for missing keys, `ModelError` for values that contradict each other or ask for
    ///   a feature that is not implemented.
    init(_ reader: ConfigurationReader) throws {
        let family = reader.family
        let heads = try reader.count("attention.head_count"), width = try reader.count("embedding_length")
        architecture = family.id
        name = try reader.modelName()
        layers = try reader.count("block_count")
        self.heads = heads
        kvHeads = try family.kvHeads ?? reader.count("attention.head_count_kv", default: heads)
        self.width = width
        feedForwardWidth = try reader.count("feed_forward_length", default: family.feedForwardFactor.map { $0 * width })
        contextLength = try reader.contextLength()
        guard heads.isMultiple(of: kvHeads) else {
            throw reader.invalid("attention.head_count_kv", kvHeads, "a divisor of \(heads), the head count")
        }
        headDim = try reader.count("attention.key_length", default: max(width / heads, 1))
        guard headDim.isMultiple(of: 2) else {
            throw reader.invalid(
                "attention.key_length",
                headDim,
                "an even head dimension, since RoPE turns pairs"
            )
        }
        vocabularySize = try reader.vocabularySize()
        normEpsilon = Float(try reader.number(family.epsilonKey))
        guard normEpsilon >= 0, normEpsilon < 1 else {
            throw reader.invalid(family.epsilonKey, normEpsilon, "a number in [0, 1)")
        }
        ropeLayout = .halves
        let rotation = try reader.rotation(pairs: headDim / 2)
        attention = .usual(layers: layers, headDim: headDim, ropeBase: rotation.base)
        attention.rotations = [rotation]
        if let scale = try reader.attentionScale() { attention.scale = scale }
        try setWindows(reader)
        try reader.refuseUnsupported(headDim: headDim)
    }

    private mutating func setWindows(_ reader: ConfigurationReader) throws {
        guard let (window, isLocal) = try reader.windows(layers: layers, contextLength: contextLength) else { return }
        let local = try reader.localRotation(pairs: headDim / 2) ?? attention.rotations[0]
        let index = attention.rotations.firstIndex(of: local) ?? attention.rotations.count
        if index == attention.rotations.count { attention.rotations.append(local) }
        for layer in isLocal.indices where isLocal[layer] {
            attention.layers[layer] = AttentionReach(window: window, rotation: index)
        }
    }
}
