import TensorCore

/// The tensors of a model in one safetensors file or in several that an index joins.
public struct SafetensorsCollection: Sendable {
    public static let singleName = "model.safetensors"
    public static let indexName = "model.safetensors.index.json"

    /// Of the file, or of the index.
    public let path: String
    /// In the order of their names.
    public let files: [SafetensorsFile]
    /// Index into `files` of each tensor.
    private let places: [String: Int]

    /// Opens a safetensors file, an index (`….index.json`) with its shards, or a folder that has one of them under
    /// its usual name.
    ///
    /// - Throws: `MappedFileError` for a file that cannot be read; `SafetensorsError` for one that is not sound, an
    ///   index that names files elsewhere, or shards that lack what the index puts there.
    /// - Complexity: O(t log t) of t tensors; no tensor's data are touched.
    public init(path: String) throws {
        if path.hasSuffix(".json") {
            try self.init(indexPath: path)
        } else if FilePaths.isFolder(path) {
            let index = FilePaths.join(path, Self.indexName), single = FilePaths.join(path, Self.singleName)
            if FilePaths.exists(index) {
                try self.init(indexPath: index)
            } else if FilePaths.exists(single) {
                self.init(file: try SafetensorsFile(path: single))
            } else {
                throw SafetensorsError(path, at: nil, .noFile)
            }
        } else {
            self.init(file: try SafetensorsFile(path: path))
        }
    }

    public init(file: SafetensorsFile) {
        path = file.file.path
        files = [file]
        places = file.tensors.mapValues { _ in 0 }
    }

    private init(indexPath: String) throws {
        let shardOfTensor = try SafetensorsIndex(file: MappedFile(path: indexPath)).shardOfTensor
        let folder = FilePaths.folder(of: indexPath)
        let names = Set(shardOfTensor.values).sorted()
        let files = try names.map { try SafetensorsFile(path: FilePaths.join(folder, $0)) }
        let numbers = Dictionary(uniqueKeysWithValues: zip(names, 0...))
        for (name, file) in zip(names, files) {
            let missing = shardOfTensor.filter { $0.value == name && file.tensors[$0.key] == nil }.keys.sorted()
            guard missing.isEmpty else {
                throw SafetensorsError(indexPath, at: nil, .missingFromShard(tensors: missing, shard: name))
            }
        }
        path = indexPath
        self.files = files
        places = shardOfTensor.compactMapValues { numbers[$0] }
    }

    public var names: some Collection<String> { places.keys }

    /// The tensor and the file that has it, or `nil`.
    public func find(_ name: String) -> (file: SafetensorsFile, tensor: SafetensorsFile.TensorInfo)? {
        guard let place = places[name], let tensor = files[place].tensors[name] else { return nil }
        return (files[place], tensor)
    }

    /// Tensors in the order of files and of data in each.
    public var orderedTensors: [(file: SafetensorsFile, tensor: SafetensorsFile.TensorInfo)] {
        files.enumerated().flatMap { number, file in
            file.orderedTensors.filter { places[$0.name] == number }.map { (file, $0) }
        }
    }

    /// - Throws: `SafetensorsError` that names the nearest tensor if there is none of that name.
    public func tensor(_ name: String) throws -> (file: SafetensorsFile, tensor: SafetensorsFile.TensorInfo) {
        guard let found = find(name) else {
            let nearest = nearestName(to: name, in: places.keys)
            throw SafetensorsError(path, at: nil, .missingTensor(name, nearest: nearest))
        }
        return found
    }
}
