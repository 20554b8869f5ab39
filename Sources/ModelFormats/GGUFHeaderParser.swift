import TensorCore

/// Reads a GGUF header; trusts nothing in it.
struct GGUFHeaderParser {
    /// What the header says, in its order and by name.
    struct Header {
        var keys: [String] = []
        var metadata: [String: MetadataValue] = [:]
        var orderedTensors: [GGUFFile.TensorInfo] = []
        var tensors: [String: GGUFFile.TensorInfo] = [:]
    }

    private let file: MappedFile
    private var cursor: GGUFCursor
    private var header = Header()

    // Bytes that an item takes at least, to refuse a count before looping over it:
    // a key (length), its kind and a one-byte value; a name (length), the number
    // of dimensions, one dimension, the type and the offset.
    private static let smallestPair = 8 + 4 + 1
    private static let smallestTensorInfo = 8 + 4 + 8 + 4 + 8
    private static let defaultAlignment = 32
    // Far beyond any model, and small enough that what is made of them takes tens of megabytes at most.
    private static let mostKeys = 1 << 16
    private static let mostTensors = 1 << 18

    init(file: MappedFile) {
        self.file = file
        cursor = GGUFCursor(file: file)
    }

    mutating func parse() throws -> GGUFFile {
        let version = try parseVersion()
        let tensorCount = try cursor.count("tensors", smallestItem: Self.smallestTensorInfo)
        try limit(tensorCount, to: Self.mostTensors, "tensors")
        let pairCount = try cursor.count("metadata keys", smallestItem: Self.smallestPair)
        try limit(pairCount, to: Self.mostKeys, "metadata keys")
        for index in 0..<pairCount { try parsePair(index) }
        let alignment = try parseAlignment()
        var placements: [TensorPlacement] = []
        for index in 0..<tensorCount { placements.append(try parseTensorInfo(index)) }

        // Nothing follows the header of a vocabulary-only file, not even padding.
        let dataOffset = (cursor.offset + alignment - 1) / alignment * alignment
        for placement in placements { try place(placement, dataOffset: dataOffset, alignment: alignment) }
        try refuseOverlaps()
        return GGUFFile(
            version: version,
            file: file,
            alignment: alignment,
            dataOffset: dataOffset,
            header: header
        )
    }

    /// No two tensors may share a byte.
    private func refuseOverlaps() throws {
        let sorted = header.orderedTensors.sorted { $0.byteOffset < $1.byteOffset }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where first.byteOffset + first.byteCount > second.byteOffset {
            throw GGUFError(file.path, at: second.byteOffset, .overlappingTensors(first.name, second.name))
        }
    }

    private func limit(_ count: Int, to limit: Int, _ what: String) throws {
        if count > limit {
            throw GGUFError(file.path, at: 8, .tooMany(what: what, count: UInt64(count), limit: limit))
        }
    }

    private mutating func parseVersion() throws -> Int {
        let magic = Array(file.bytes.prefix(4))
        let letters = Array("GGUF".utf8)
        if magic == letters.reversed() { throw GGUFError(file.path, at: 0, .bigEndian) }
        guard magic.count == 4 || !letters.starts(with: magic) else {
            let reason = GGUFError.Reason.truncated(
                what: "the magic number",
                byteCount: 4,
                fileByteCount: file.byteCount
            )
            throw GGUFError(file.path, at: 0, reason)
        }
        guard magic == letters else { throw GGUFError(file.path, at: 0, .wrongMagic(found: magic)) }
        cursor.offset = 4
        let version = try cursor.integer(UInt32.self, "the version")
        switch version {
        case 2, 3: return Int(version)
        case _ where (1...0xFFFF).contains(version.byteSwapped): throw GGUFError(file.path, at: 4, .bigEndian)
        default: throw GGUFError(file.path, at: 4, .unsupportedVersion(version))
        }
    }

    private mutating func parsePair(_ index: Int) throws {
        let start = cursor.offset
        let key = try cursor.string("metadata key number \(index)")
        guard header.metadata[key] == nil else { throw GGUFError(file.path, at: start, .duplicateKey(key)) }
        let kind = try parseKind(key)
        header.metadata[key] = kind == .array ? .array(try parseArray(key)) : try parseScalar(kind, key)
        header.keys.append(key)
    }

    private mutating func parseKind(_ key: String) throws -> MetadataValue.Kind {
        let start = cursor.offset
        let number = try cursor.integer(UInt32.self, "the value kind of key '\(key)'")
        guard let kind = MetadataValue.Kind(rawValue: number) else {
            throw GGUFError(file.path, at: start, .unknownValueKind(key: key, number: number))
        }
        return kind
    }

    private mutating func parseScalar(_ kind: MetadataValue.Kind, _ key: String) throws -> MetadataValue {
        let what = "the value of key '\(key)'"
        guard let size = kind.fixedByteCount else { return .string(try cursor.string(what)) }
        let start = try cursor.take(UInt64(size), what)
        guard let value = file.bytes.scalar(kind, at: start) else {
            throw GGUFError(file.path, at: start, .invalidBoolean(key: key, value: file.bytes[start]))
        }
        return value
    }

    private mutating func parseArray(_ key: String) throws -> MetadataArray {
        let kindOffset = cursor.offset
        let kind = try parseKind(key)
        guard kind != .array else { throw GGUFError(file.path, at: kindOffset, .nestedArray(key: key)) }
        let count = try cursor.count("elements in key '\(key)'", smallestItem: kind.fixedByteCount ?? 8)
        let start = cursor.offset
        if let size = kind.fixedByteCount {
            // No overflow: `count` was compared with the bytes that are left.
            _ = try cursor.take(UInt64(count * size), "the array of key '\(key)'")
        } else {
            try cursor.skipStrings(count, key: key)
        }
        if kind == .boolean, let wrong = file.bytes[start..<cursor.offset].firstIndex(where: { $0 > 1 }) {
            throw GGUFError(file.path, at: wrong, .invalidBoolean(key: key, value: file.bytes[wrong]))
        }
        return MetadataArray(elementKind: kind, count: count, file: file, range: start..<cursor.offset)
    }

    private func parseAlignment() throws -> Int {
        guard let value = header.metadata["general.alignment"] else { return Self.defaultAlignment }
        guard let alignment = value.integer, (8...65536).contains(alignment), alignment & (alignment - 1) == 0 else {
            let text = value.integer.map { "\($0)" } ?? value.string.map { "'\($0)'" } ?? "of kind \(value.kind)"
            throw GGUFError(file.path, at: nil, .invalidAlignment(text))
        }
        return alignment
    }

    /// A tensor's entry before the start of the data is known.
    private struct TensorPlacement {
        let entryOffset: Int
        let name: String
        let elementType: ElementType
        let dimensions: [Int]
        let byteCount: Int
        let relativeOffset: UInt64
    }

    private mutating func parseTensorInfo(_ index: Int) throws -> TensorPlacement {
        let start = cursor.offset
        let name = try cursor.string("the name of tensor number \(index)")
        let what = "the entry of tensor '\(name)'"
        func invalid(_ problem: String) -> GGUFError {
            GGUFError(file.path, at: start, .invalidDimensions(tensor: name, problem: problem))
        }
        let rank = try cursor.integer(UInt32.self, what)
        guard (1...4).contains(rank) else { throw invalid("has \(rank) dimensions") }
        var dimensions: [Int] = []
        for _ in 0..<rank {
            let size = try cursor.integer(UInt64.self, what)
            guard let size = Int(exactly: size), size > 0 else { throw invalid("has a dimension of \(size)") }
            dimensions.append(size)
        }
        guard let elements = elementCount(of: dimensions) else { throw invalid("has more than 2^63 elements") }
        let typeOffset = cursor.offset
        let number = try cursor.integer(UInt32.self, what)
        guard let elementType = GGUFElementTypes.supported[number] else {
            throw GGUFError(file.path, at: typeOffset, .unsupportedElementType(tensor: name, number: number))
        }
        guard dimensions[0].isMultiple(of: elementType.elementsPerBlock) else {
            throw invalid("has rows of \(dimensions[0]) elements of type \(elementType.rawValue)")
        }
        guard let byteCount = elementType.byteCount(elements: elements) else {
            throw invalid("has more than 2^63 bytes")
        }
        return TensorPlacement(
            entryOffset: start,
            name: name,
            elementType: elementType,
            dimensions: dimensions,
            byteCount: byteCount,
            relativeOffset: try cursor.integer(UInt64.self, what)
        )
    }

    private mutating func place(_ placement: TensorPlacement, dataOffset: Int, alignment: Int) throws {
        let (name, offset) = (placement.name, placement.relativeOffset)
        func failure(_ reason: GGUFError.Reason) -> GGUFError {
            GGUFError(file.path, at: placement.entryOffset, reason)
        }
        guard header.tensors[name] == nil else { throw failure(.duplicateTensor(name)) }
        guard offset.isMultiple(of: UInt64(alignment)) else {
            throw failure(.misalignedTensor(tensor: name, offset: offset, alignment: alignment))
        }
        let (start, overflow) = offset.addingReportingOverflow(UInt64(dataOffset))
        let fileByteCount = file.byteCount
        guard !overflow, start <= fileByteCount, placement.byteCount <= fileByteCount - Int(start) else {
            throw failure(
                .tensorPastEnd(
                    tensor: name,
                    start: overflow ? .max : start,
                    byteCount: placement.byteCount,
                    fileByteCount: fileByteCount
                )
            )
        }
        let tensor = GGUFFile.TensorInfo(
            name: name,
            elementType: placement.elementType,
            dimensions: placement.dimensions,
            byteOffset: Int(start),
            byteCount: placement.byteCount
        )
        header.tensors[name] = tensor
        header.orderedTensors.append(tensor)
    }
}
