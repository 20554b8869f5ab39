import TensorCore

/// A model in GGUF (versions 2 and 3, little-endian), mapped and checked.
///
/// `init` reads the header only, and every count, length, type and offset in it
/// is compared with the file's size before it is used; tensors are views of the
/// mapping. Source: the GGUF specification of the ggml project.
public struct GGUFFile: ModelMetadata {
    /// One tensor's place in the file.
    public struct TensorInfo: Sendable, Equatable {
        public let name: String
        public let elementType: ElementType
        /// Sizes in ggml's order, the contiguous one first: `[columns, rows, …]`.
        public let dimensions: [Int]
        /// From the start of the file.
        public let byteOffset: Int
        public let byteCount: Int

        public var elementCount: Int { dimensions.reduce(1, *) }
    }

    public let version: Int
    public let file: MappedFile
    public var path: String { file.path }
    /// Bytes; every tensor starts at a multiple of it from the start of the data.
    public let alignment: Int
    /// Where the tensors' data begin, from the start of the file.
    public let dataOffset: Int
    /// Keys in the file's order.
    public let keys: [String]
    public let metadata: [String: MetadataValue]
    /// Tensors in the order of the header.
    public let orderedTensors: [TensorInfo]
    public let tensors: [String: TensorInfo]

    /// Opens and checks the file at `path`.
    ///
    /// - Throws: `MappedFileError` if it cannot be read, `GGUFError` if it is not a sound GGUF file.
    /// - Complexity: O(header); no tensor's data are touched.
    public init(path: String) throws {
        try self.init(file: MappedFile(path: path))
    }

    /// Checks a file that is mapped already, or bytes in memory.
    public init(file: MappedFile) throws {
        var parser = GGUFHeaderParser(file: file)
        self = try parser.parse()
    }

    init(version: Int, file: MappedFile, alignment: Int, dataOffset: Int, header: GGUFHeaderParser.Header) {
        self.version = version
        self.file = file
        self.alignment = alignment
        self.dataOffset = dataOffset
        keys = header.keys
        metadata = header.metadata
        orderedTensors = header.orderedTensors
        tensors = header.tensors
    }

    /// The tensor's data as they lie in the file; valid while `file` lives.
    public func bytes(of tensor: TensorInfo) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteOffset..<tensor.byteOffset + tensor.byteCount])
    }

    /// - Throws: `MetadataError` that names the nearest tensor if there is none of that name.
    public func tensor(_ name: String) throws -> TensorInfo {
        guard let tensor = tensors[name] else {
            throw MetadataError(path, .missingTensor(name, nearest: likelyName(for: name, among: tensors.keys)))
        }
        return tensor
    }
}
