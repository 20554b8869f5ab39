import ModelFormats

/// A family of models: how its metadata are read and its network is put together.
///
/// A new one is a file in this folder and a line in ``ArchitectureCatalogue``.
public protocol Architecture: Sendable {
    /// The value of `general.architecture` in GGUF.
    static var id: String { get }
    /// Values of `model_type` in `config.json`.
    static var huggingFaceTypes: [String] { get }
    /// One line for `kvatlas list`.
    static var summary: String { get }
    /// Families of models that use it.
    static var models: [String] { get }
    /// What its files may ask for that is refused, beside ``ArchitectureCatalogue/refusedByAll``.
    static var refused: [String] { get }
}

/// What the module needs of an architecture.
protocol LoadableArchitecture: Architecture {
    static func configuration(_ source: ModelSource) throws -> ModelConfiguration
    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder
}

public enum ArchitectureCatalogue {
    static let loadable: [any LoadableArchitecture.Type] = [
        LlamaArchitecture.self,
        Qwen2Architecture.self,
        Qwen3Architecture.self,
        Gemma3Architecture.self,
        FalconArchitecture.self,
    ]

    public static var all: [any Architecture.Type] { loadable.map { $0 as any Architecture.Type } }

    /// What would change the function that any of them computes, and is an error that names the key.
    public static let refusedByAll = [
        "mixtures of experts", "RoPE scaling other than linear and Llama 3's", "RoPE on a part of a head",
        "capped scores or logits", "attention to later tokens", "weights of GPTQ, AWQ and bitsandbytes",
    ]

    /// - Throws: `ModelError.unknownArchitecture` with the supported ones.
    static func architecture(of source: ModelSource) throws -> any LoadableArchitecture.Type {
        let name = try source.string(source.architectureKey)
        func names(_ architecture: any LoadableArchitecture.Type) -> [String] {
            source.format == .gguf ? [architecture.id] : architecture.huggingFaceTypes
        }
        guard let found = loadable.first(where: { names($0).contains(name) }) else {
            let supported = loadable.flatMap { names($0) }
            throw ModelError.unknownArchitecture(path: source.path, name: name, supported: supported)
        }
        return found
    }
}
