import ModelFormats

/// Llama and what shares its layers: Llama 1 to 3, Mistral, TinyLlama, SmolLM2, …
///
/// Sources: Touvron et al., "LLaMA" (2023); Jiang et al., "Mistral 7B" (2023), whose layers all have a sliding window.
/// GGUF's converter reorders the rows of query and key weights so that neighbouring channels turn together; we
/// restore the original order, in which channel i turns with i + headDim/2.
enum LlamaArchitecture: LoadableArchitecture {
    static let id = "llama"
    static let huggingFaceTypes = ["llama", "mistral"]
    static let summary = "Llama 1 to 3, Mistral, TinyLlama, SmolLM2: RMSNorm, RoPE, grouped queries, SwiGLU"
    static let models = ["Llama 1, 2, 3, 3.1, 3.2", "Mistral 7B", "TinyLlama", "SmolLM", "SmolLM2"]
    static let refused = ["activations other than SiLU"]

    private static let family = DecoderFamily(id: id, huggingFaceNames: .llama, windows: .everyLayer)

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        var configuration = try ModelConfiguration(ConfigurationReader(source: source, family: family))
        if source.format == .gguf, configuration.looksLikeMistral7B01 { configuration.notice = noticeOfMistral7B01 }
        return configuration
    }

    /// llama.cpp's converter writes no window for models that it takes for Llama's, and llama.cpp knows none for them.
    private static let noticeOfMistral7B01 =
        "the sizes are those of Mistral 7B v0.1, whose window of 4096 tokens GGUF files do not state: beyond 4096 tokens, "
        + "as in llama.cpp, a token sees more than in the original; a Hugging Face folder states the window"

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(
            configuration: configuration,
            names: family.names(source),
            rowOrder: source.format == .gguf ? .interleavedHalves(headDim: configuration.headDim) : .original
        ).load(source)
    }
}

extension ModelConfiguration {
    /// Mistral 7B v0.1 and what was trained from it; v0.2 has another base and no window.
    fileprivate var looksLikeMistral7B01: Bool {
        (width, layers, kvHeads, feedForwardWidth, contextLength) == (4096, 32, 8, 14336, 32768) && ropeBase == 10_000
            && attention.layers.allSatisfy { $0.window == nil }
    }
}
