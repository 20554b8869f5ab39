import ModelFormats

/// Qwen2 and Qwen2.5: Llama's layers with biases on query, key and value; GGUF keeps the original order of rows.
///
/// Source: Yang et al., "Qwen2 Technical Report" (2024).
enum Qwen2Architecture: LoadableArchitecture {
    static let id = "qwen2"
    static let summary = "Qwen2 and Qwen2.5: Llama's layers with query, key and value biases"

    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration {
        try ModelConfiguration(decoderMetadata: file)
    }

    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(configuration: configuration, biases: .required).load(file)
    }
}
