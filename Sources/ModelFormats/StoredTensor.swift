import TensorCore

/// A tensor as a model's file stores it: mapped, in its own type.
public struct StoredTensor: Sendable {
    public let name: String
    public let elementType: ElementType
    /// In ggml's order whatever the file, the contiguous size first: `[columns, rows, …]`.
    public let dimensions: [Int]
    /// From the start of `file`.
    public let byteOffset: Int
    public let byteCount: Int
    /// Keeps the bytes in place.
    public let file: MappedFile

    public var elementCount: Int { dimensions.reduce(1, *) }

    /// The data; valid while `file` lives.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[byteOffset..<byteOffset + byteCount])
    }
}
