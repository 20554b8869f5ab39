import ModelFormats

/// Gemma 3, its text models: embeddings scaled by √width, four norms a layer and two a head, GELU; five layers in six
/// see a window and turn with a base of their own.
///
/// Its norms multiply by 1 + w; GGUF's converter adds the 1, other formats store w.
/// Source: Gemma Team, "Gemma 3 Technical Report" (2025).
enum Gemma3Architecture: LoadableArchitecture {
    static let id = "gemma3"
    static let summary = "Gemma 3, text: local and global layers with two RoPE bases, norms around each part, GELU"

    /// One layer in so many is global.
    private static let period = 6
    /// Layers of the 27B model, which alone scales scores by its width over its heads, not by the head dimension; GGUF
    /// has no key for it.
    private static let layersOf27B = 62

    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration {
        let localBase = try file.numberIfPresent("\(id).rope.freq_base_swa") ?? 10_000
        guard localBase > 1, localBase.isFinite else {
            throw ModelError.invalidConfiguration(
                path: file.file.path,
                key: "\(id).rope.freq_base_swa",
                value: "\(localBase)",
                expected: "a number above 1"
            )
        }
        var configuration = try ModelConfiguration(
            decoderMetadata: file,
            windows: .allButOne(in: period, localBase: localBase)
        )
        if configuration.layers == layersOf27B, try file.numberIfPresent("\(id).attention.scale") == nil {
            let channels = Float(configuration.width) / Float(configuration.heads)
            configuration.attentionScale = 1 / channels.squareRoot()
        }
        return configuration
    }

    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(
            configuration: configuration,
            hasHeadNorms: true,
            hasOutputNorms: true,
            activation: .geluTanh,
            embeddingScale: Float(configuration.width).squareRoot()
        ).load(file)
    }
}
