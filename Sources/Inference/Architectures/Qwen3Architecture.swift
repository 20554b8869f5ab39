import ModelFormats

/// Qwen3's dense models: Llama's layers with a norm over the channels of each query and key head, and a head
/// dimension that need not be the width over the heads.
///
/// Source: Yang et al., "Qwen3 Technical Report" (2025).
enum Qwen3Architecture: LoadableArchitecture {
    static let id = "qwen3"
    static let summary = "Qwen3, dense: Llama's layers with norms of query and key heads"

    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration {
        try ModelConfiguration(decoderMetadata: file)
    }

    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder {
        try PreNormDecoder(configuration: configuration, hasHeadNorms: true).load(file)
    }
}
