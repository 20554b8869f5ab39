import ModelFormats

/// Qwen2 and Qwen2.5: Llama's layers with biases on query, key and value; GGUF keeps the original order of rows.
///
/// Source: Yang et al., "Qwen2 Technical Report" (2024).
enum Qwen2Architecture: LoadableArchitecture {
    static let id = "qwen2"
    static let huggingFaceTypes = ["qwen2"]
    static let summary = "Qwen2 and Qwen2.5: Llama's layers with query, key and value biases"
    static let models = ["Qwen2", "Qwen2.5", "Qwen2.5-Coder"]
    static let refused = ["activations other than SiLU", "projections of queries, keys and values without biases"]

    private static let family = DecoderFamily(id: id, huggingFaceNames: .llama)

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        try ModelConfiguration(ConfigurationReader(source: source, family: family))
    }

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(configuration: configuration, names: family.names(source), biases: .required).load(source)
    }
}
