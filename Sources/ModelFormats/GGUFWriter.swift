import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes small GGUF files (version 3): test models and fixtures.
///
/// Holds all tensors in memory. Source: the GGUF specification of the ggml project.
public struct GGUFWriter: Sendable {
    private var pairs: [(key: String, value: MetadataValue)] = []
    private var tensors: [(name: String, type: ElementType, dimensions: [Int], bytes: [UInt8])] = []
    private let alignment: Int

    /// - Parameter alignment: bytes; other than 32 it is written as `general.alignment`.
    /// - Precondition: a power of two from 8 up.
    public init(alignment: Int = 32) {
        precondition(alignment >= 8 && alignment & (alignment - 1) == 0, "alignment \(alignment) is no power of two")
        self.alignment = alignment
        if alignment != 32 { pairs.append(("general.alignment", .uint32(UInt32(alignment)))) }
    }

    /// Adds a key, or gives it another value.
    public mutating func set(_ key: String, _ value: MetadataValue) {
        if let index = pairs.firstIndex(where: { $0.key == key }) {
            pairs[index].value = value
        } else {
            pairs.append((key, value))
        }
    }

    public mutating func set(_ key: String, strings: [String]) {
        set(key, .array(MetadataArray(strings: strings)))
    }

    /// Adds a tensor from its bytes as they will lie in the file.
    ///
    /// - Parameter dimensions: ggml's order, the contiguous one first: `[columns, rows, …]`.
    /// - Throws: `GGUFError` if the name is taken or the bytes do not fit the dimensions.
    public mutating func add(
        _ name: String,
        elementType: ElementType,
        dimensions: [Int],
        bytes: [UInt8]
    ) throws {
        guard !tensors.contains(where: { $0.name == name }) else {
            throw GGUFError(name, at: nil, .duplicateTensor(name))
        }
        let rowIsWhole = dimensions.first?.isMultiple(of: elementType.elementsPerBlock) ?? false
        guard (1...4).contains(dimensions.count), dimensions.allSatisfy({ $0 > 0 }), rowIsWhole,
            let elements = elementCount(of: dimensions), let expected = elementType.byteCount(elements: elements)
        else {
            throw GGUFError(
                name,
                at: nil,
                .invalidDimensions(tensor: name, problem: "has the dimensions \(dimensions)")
            )
        }
        guard bytes.count == expected else {
            throw GGUFError(name, at: nil, .wrongTensorSize(tensor: name, expected: expected, found: bytes.count))
        }
        tensors.append((name, elementType, dimensions, bytes))
    }

    /// Adds a tensor of 32-bit floating point.
    public mutating func add(_ name: String, dimensions: [Int], floats: [Float]) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * floats.count)
        for value in floats { bytes.append(littleEndian: value.bitPattern) }
        try add(name, elementType: .float32, dimensions: dimensions, bytes: bytes)
    }

    /// Adds a tensor of 16-bit floating point from IEEE bit patterns.
    public mutating func add(_ name: String, dimensions: [Int], halves: [UInt16]) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 * halves.count)
        for pattern in halves { bytes.append(littleEndian: pattern) }
        try add(name, elementType: .float16, dimensions: dimensions, bytes: bytes)
    }

    /// The whole file.
    public func encoded() -> [UInt8] {
        var file = Array("GGUF".utf8)
        file.append(littleEndian: UInt32(3))
        file.append(littleEndian: UInt64(tensors.count))
        file.append(littleEndian: UInt64(pairs.count))
        for (key, value) in pairs {
            file.append(string: key)
            file.append(littleEndian: value.kind.rawValue)
            file.append(payload: value)
        }
        var dataOffset = 0
        for tensor in tensors {
            file.append(string: tensor.name)
            file.append(littleEndian: UInt32(tensor.dimensions.count))
            for size in tensor.dimensions { file.append(littleEndian: UInt64(size)) }
            file.append(littleEndian: GGUFElementTypes.number(of: tensor.type))
            file.append(littleEndian: UInt64(dataOffset))
            dataOffset += (tensor.bytes.count + alignment - 1) / alignment * alignment
        }
        for tensor in tensors {
            file.pad(to: alignment)
            file.append(contentsOf: tensor.bytes)
        }
        file.pad(to: alignment)
        return file
    }

    /// Writes the file beside its destination, then renames it, so that no half-written file ever bears the name.
    ///
    /// - Throws: `GGUFError` if the file exists and `overwrite` is false, or cannot be written.
    public func write(to path: String, overwrite: Bool = false) throws {
        if !overwrite, access(path, F_OK) == 0 { throw GGUFError(path, at: nil, .fileExists) }
        let partial = "\(path).\(getpid()).partial"
        do {
            try Self.write(encoded(), to: partial)
            guard rename(partial, path) == 0 else { throw Self.failure(path) }
        } catch {
            unlink(partial)
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        try bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = writeBytes(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count > 0 else { throw failure(path) }
                rest = rest.dropFirst(count)
            }
        }
        guard fsync(descriptor) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String) -> GGUFError {
        GGUFError(path, at: nil, .notWritable(message: systemMessage(errno)))
    }
}

/// The system call, which the writer's own `write` hides.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
