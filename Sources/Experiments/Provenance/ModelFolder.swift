import Foundation

/// Where downloaded models live: `data/models`, or the folder that `KVATLAS_MODELS` names.
public enum ModelFolder {
    public struct Model: Sendable, Codable, Equatable {
        public let path: String
        public let byteCount: Int
    }

    public static var path: String {
        ProcessInfo.processInfo.environment["KVATLAS_MODELS"].flatMap { $0.isEmpty ? nil : $0 } ?? "data/models"
    }

    /// The GGUF files there, by name.
    public static func models() -> [Model] {
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".gguf") }.sorted().map { name in
            let file = folder.appendingPathComponent(name).resolvingSymlinksInPath()
            let size = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.size] as? Int
            return Model(path: "\(path)/\(name)", byteCount: size ?? 0)
        }
    }
}
