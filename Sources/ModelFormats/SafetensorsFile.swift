import TensorCore

/// One safetensors file, mapped and checked.
///
/// A file is the length of its header (eight bytes, little-endian), the header, a JSON object that gives each
/// tensor's type, shape and place, and the tensors' data without gaps. `init` reads the header only; tensors are
/// views of the mapping. Source: the safetensors format of Hugging Face.
public struct SafetensorsFile: Sendable {
    /// One tensor's place in the file.
    public struct TensorInfo: Sendable, Equatable {
        public let name: String
        public let type: SafetensorsType
        /// The contiguous size last: `[rows, columns]`; empty for a single number.
        public let shape: [Int]
        /// From the start of the file. No multiple of the element's size is promised.
        public let byteOffset: Int
        public let byteCount: Int

        public var elementCount: Int { shape.reduce(1, *) }
    }

    public let file: MappedFile
    /// The header's `__metadata__`: strings by name, for example `format`: `pt`.
    public let metadata: [String: String]
    /// Tensors in the order of their data.
    public let orderedTensors: [TensorInfo]
    public let tensors: [String: TensorInfo]

    /// Opens and checks the file at `path`.
    ///
    /// - Throws: `MappedFileError` if it cannot be read, `SafetensorsError` if it is not a sound safetensors file: a
    ///   header that is no strict JSON or larger than 100 MB, an unknown type, a size that contradicts type and
    ///   shape, data that overlap, leave holes or end before or after the file.
    /// - Complexity: O(t log t) of a header with t tensors; no tensor's data are touched.
    public init(path: String) throws {
        try self.init(file: MappedFile(path: path))
    }

    /// Checks a file that is mapped already, or bytes in memory.
    public init(file: MappedFile) throws {
        var parser = SafetensorsHeaderParser(file: file)
        try parser.parse()
        self.file = file
        metadata = parser.metadata
        orderedTensors = parser.tensors
        tensors = Dictionary(uniqueKeysWithValues: parser.tensors.map { ($0.name, $0) })
    }

    /// The tensor's data as they lie in the file, little-endian; valid while `file` lives.
    public func bytes(of tensor: TensorInfo) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteOffset..<tensor.byteOffset + tensor.byteCount])
    }

    /// - Throws: `SafetensorsError` that names the nearest tensor if there is none of that name.
    public func tensor(_ name: String) throws -> TensorInfo {
        guard let tensor = tensors[name] else {
            let nearest = nearestName(to: name, in: tensors.keys)
            throw SafetensorsError(file.path, at: nil, .missingTensor(name, nearest: nearest))
        }
        return tensor
    }

    /// The type of a tensor whose elements are to be computed with.
    ///
    /// - Throws: `SafetensorsError` that names the type, if it is not F32, F16 or BF16.
    public func elementType(of tensor: TensorInfo) throws -> ElementType {
        guard let type = tensor.type.elementType else {
            throw SafetensorsError(
                file.path,
                at: nil,
                .unsupportedType(tensor: tensor.name, type: tensor.type.rawValue)
            )
        }
        return type
    }
}
