import ModelFormats

/// Qwen3's dense models: Llama's layers with a norm over the channels of each query and key head, and a head
/// dimension that need not be the width over the heads.
///
/// Source: Yang et al., "Qwen3 Technical Report" (2025).
enum Qwen3Architecture: LoadableArchitecture {
    static let id = "qwen3"
    static let huggingFaceTypes = ["qwen3"]
    static let summary = "Qwen3, dense: Llama's layers with norms of query and key heads"
    static let models = ["Qwen3, dense"]
    static let refused = ["activations other than SiLU"]

    private static let family = DecoderFamily(id: id, huggingFaceNames: .llama)

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        try ModelConfiguration(ConfigurationReader(source: source, family: family))
    }

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(configuration: configuration, names: family.names(source), hasHeadNorms: true).load(source)
    }
}
