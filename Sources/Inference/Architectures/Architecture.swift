import ModelFormats

/// A family of models: how its metadata are read and its network is put together.
///
/// A new one is a file in this folder and a line in ``ArchitectureCatalogue``.
public protocol Architecture: Sendable {
    /// The value of `general.architecture`.
    static var id: String { get }
    /// One line for `kvatlas list`.
    static var summary: String { get }
}

/// What the module needs of an architecture.
protocol LoadableArchitecture: Architecture {
    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration
    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder
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

    /// - Throws: `ModelError.unknownArchitecture` with the supported ones.
    static func architecture(of file: GGUFFile) throws -> any LoadableArchitecture.Type {
        let name = try file.string("general.architecture")
        guard let found = loadable.first(where: { $0.id == name }) else {
            throw ModelError.unknownArchitecture(path: file.file.path, name: name, supported: loadable.map { $0.id })
        }
        return found
    }
}
