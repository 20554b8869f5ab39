import ModelFormats

/// Gemma 3, its text models: embeddings scaled by √width, four norms a layer and two a head, GELU; five layers in six
/// see a window and turn with a base of their own.
///
/// Its norms multiply by 1 + w; GGUF's converter adds the 1, Hugging Face stores w.
/// Source: Gemma Team, "Gemma 3 Technical Report" (2025).
enum Gemma3Architecture: LoadableArchitecture {
    static let id = "gemma3"
    static let huggingFaceTypes = ["gemma3_text"]
    static let summary = "Gemma 3, text: local and global layers with two RoPE bases, norms around each part, GELU"
    static let models = ["Gemma 3, text: 270M, 1B", "Gemma 3 4B, 12B, 27B as GGUF without images"]
    static let refused = ["activations other than GELU with tanh", "folders with images (model_type gemma3)"]

    private static let family = DecoderFamily(
        id: id,
        huggingFaceNames: .llama.with(layer: [
            "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
            "post_ffw_norm": "post_feedforward_layernorm",
        ]),
        windows: .allButOne(in: 6, localBase: 10_000),
        activation: ("hidden_activation", "gelu_pytorch_tanh"),
        huggingFaceDefaults: [
            "attention.key_length": 256, "attention.sliding_window": 4096, "query_pre_attn_scalar": 256,
            "rope_theta": 1_000_000,
        ]
    )

    /// Layers of the 27B model, which alone scales scores by its width over its heads, not by the head dimension; GGUF
    /// has no key for it.
    private static let layersOf27B = 62

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        let reader = ConfigurationReader(source: source, family: family)
        var configuration = try ModelConfiguration(reader)
        if let channels = try reader.numberIfPresent("query_pre_attn_scalar") {
            guard channels > 0, channels.isFinite else {
                throw reader.invalid("query_pre_attn_scalar", channels, "a number above 0")
            }
            configuration.attention.scale = 1 / Float(channels).squareRoot()
        } else if try reader.attentionScale() == nil, configuration.layers == layersOf27B {
            let channels = Float(configuration.width) / Float(configuration.heads)
            configuration.attention.scale = 1 / channels.squareRoot()
        }
        return configuration
    }

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(
            configuration: configuration,
            names: family.names(source),
            hasHeadNorms: true,
            hasOutputNorms: true,
            normOffset: source.format == .huggingFace ? 1 : 0,
            activation: .geluTanh,
            embeddingScale: Float(configuration.width).squareRoot()
        ).load(source)
    }
}
