import ModelFormats

/// Llama and what shares its layers: TinyLlama, SmolLM2, …
///
/// Source: Touvron et al., "LLaMA" (2023). GGUF's converter reorders the rows
/// of query and key weights so that neighbouring channels turn together; we
/// restore the original order, in which channel i turns with i + headDim/2.
enum LlamaArchitecture: LoadableArchitecture {
    static let id = "llama"
    static let summary = "Llama family: RMSNorm, RoPE, grouped queries, SwiGLU"

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        try ModelConfiguration(decoderMetadata: source)
    }

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(
            configuration: configuration,
            requiresBiases: false,
            rowOrder: .interleavedHalves(headDim: configuration.headDim)
        ).load(source)
    }
}
