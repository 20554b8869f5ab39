import ModelFormats

/// Llama and what shares its layers: Llama 1 to 3, Mistral, TinyLlama, SmolLM2, …
///
/// Sources: Touvron et al., "LLaMA" (2023); Jiang et al., "Mistral 7B" (2023), whose layers all have a sliding window.
/// GGUF's converter reorders the rows of query and key weights so that neighbouring channels turn together; we
/// restore the original order, in which channel i turns with i + headDim/2.
enum LlamaArchitecture: LoadableArchitecture {
    static let id = "llama"
    static let summary = "Llama 1 to 3, Mistral, TinyLlama, SmolLM2: RMSNorm, RoPE, grouped queries, SwiGLU"

    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration {
        try ModelConfiguration(decoderMetadata: file, windows: .everyLayer)
    }

    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(
            configuration: configuration,
            rowOrder: .interleavedHalves(headDim: configuration.headDim)
        ).load(file)
    }
}
