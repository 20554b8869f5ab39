import TensorCore

/// A model as its files describe it, the same for all formats: metadata by key and tensors by name, mapped.
///
/// Keys and names are those of the format: `llama.block_count` and `blk.0.attn_q.weight` in GGUF,
/// `num_hidden_layers` and `model.layers.0.self_attn.q_proj.weight` in a Hugging Face folder.
public struct ModelSource: ModelMetadata {
    public enum Format: String, Sendable, CaseIterable, Codable {
        case gguf = "GGUF"
        /// A folder with `config.json` and safetensors.
        case huggingFace = "Hugging Face"
    }

    public let format: Format
    /// Of the file, the first part of a split file, or the folder.
    public let path: String
    public let keys: [String]
    public let metadata: [String: MetadataValue]
    /// In the order of the files.
    public let orderedTensors: [StoredTensor]
    public let tensors: [String: StoredTensor]
    /// Names of types that we do not compute with, for tensors that have one; they are in no other list.
    public let unsupportedTensorTypes: [String: String]
    /// The files with weights, in their order.
    public let weightFiles: [MappedFile]

    /// Opens a model by what its path names: a Hugging Face folder or a safetensors file within it, or else a GGUF
    /// file, if it is split its first part.
    ///
    /// - Throws: `MappedFileError`, `GGUFError`, `SafetensorsError` or `ConfigurationFileError`, each saying what to do.
    /// - Complexity: O(headers); no tensor's data are touched.
    public init(path: String) throws {
        if FilePaths.isFolder(path) {
            try self.init(huggingFaceFolder: path, weights: path)
        } else if path.hasSuffix(".safetensors") || path.hasSuffix(".safetensors.index.json") {
            try self.init(huggingFaceFolder: FilePaths.folder(of: path), weights: path)
        } else {
            try self.init(gguf: GGUFFile(path: path))
        }
    }

    /// Whether `init(path:)` is for what is at `path`: a folder, a GGUF file, or a file with a model's ending.
    ///
    /// - Throws: `MappedFileError` if it cannot be read.
    public static func isModel(path: String) throws -> Bool {
        if FilePaths.isFolder(path) { return true }
        if [".gguf", ".safetensors", ".safetensors.index.json"].contains(where: { path.hasSuffix($0) }) { return true }
        let file = try MappedFile(path: path)
        return withExtendedLifetime(file) { file.bytes.starts(with: "GGUF".utf8) }
    }

    /// A GGUF file with the other parts of its model, if it is split.
    public init(gguf file: GGUFFile) throws {
        let files = try GGUFParts(first: file).files
        self.init(
            format: .gguf,
            path: file.path,
            keys: file.keys,
            metadata: file.metadata,
            tensors: files.flatMap { part in
                part.orderedTensors.map {
                    StoredTensor(
                        name: $0.name,
                        elementType: $0.elementType,
                        dimensions: $0.dimensions,
                        byteOffset: $0.byteOffset,
                        byteCount: $0.byteCount,
                        file: part.file
                    )
                }
            },
            unsupported: [:],
            weightFiles: files.map { $0.file }
        )
    }

    private init(huggingFaceFolder folder: String, weights: String) throws {
        let configuration = try HuggingFaceConfiguration(folder: folder)
        let collection = try SafetensorsCollection(path: weights)
        var tensors: [StoredTensor] = [], unsupported: [String: String] = [:]
        for (file, tensor) in collection.orderedTensors {
            guard let elementType = tensor.type.elementType else {
                unsupported[tensor.name] = tensor.type.rawValue
                continue
            }
            tensors.append(
                StoredTensor(
                    name: tensor.name,
                    elementType: elementType,
                    dimensions: tensor.shape.isEmpty ? [1] : tensor.shape.reversed(),
                    byteOffset: tensor.byteOffset,
                    byteCount: tensor.byteCount,
                    file: file.file
                )
            )
        }
        self.init(
            format: .huggingFace,
            path: folder,
            keys: configuration.keys,
            metadata: configuration.metadata,
            tensors: tensors,
            unsupported: unsupported,
            weightFiles: collection.files.map { $0.file }
        )
    }

    /// - Precondition: no name twice, which the readers of all formats have checked.
    private init(
        format: Format,
        path: String,
        keys: [String],
        metadata: [String: MetadataValue],
        tensors: [StoredTensor],
        unsupported: [String: String],
        weightFiles: [MappedFile]
    ) {
        self.format = format
        self.path = path
        self.keys = keys
        self.metadata = metadata
        orderedTensors = tensors
        self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
        unsupportedTensorTypes = unsupported
        self.weightFiles = weightFiles
    }

    /// All files that make the model what it is: those with weights, and the JSON and vocabulary files of a folder.
    public var filePaths: [String] {
        weightFiles.map { $0.path }
            + [
                "config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json", "tokenizer.model",
                Self.chatTemplateFile,
            ].compactMap { companionFile($0) }
    }

    /// Of a Hugging Face folder; newer than the key of `tokenizer_config.json`.
    package static let chatTemplateFile = "chat_template.jinja"

    /// The key that names the architecture: `general.architecture`, or `model_type`.
    public var architectureKey: String {
        switch format {
        case .gguf: "general.architecture"
        case .huggingFace: "model_type"
        }
    }

    /// Bytes of all tensors as the files have them.
    public var weightBytes: Int { orderedTensors.reduce(0) { $0 + $1.byteCount } }

    /// - Throws: `MetadataError` that names the nearest tensor if there is none of that name, or the type if it is one
    ///   that we do not compute with.
    public func tensor(_ name: String) throws -> StoredTensor {
        if let tensor = tensors[name] { return tensor }
        if let type = unsupportedTensorTypes[name] {
            throw MetadataError(path, .unsupportedType(tensor: name, type: type))
        }
        throw MetadataError(path, .missingTensor(name, nearest: likelyName(for: name, among: tensors.keys)))
    }

    /// The path of a file of that name in a Hugging Face folder, for example `tokenizer.json`; `nil` if there is none,
    /// and for GGUF, whose one file holds all.
    public func companionFile(_ name: String) -> String? {
        guard format == .huggingFace else { return nil }
        let file = FilePaths.join(path, name)
        return FilePaths.exists(file) ? file : nil
    }
}
