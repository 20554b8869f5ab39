import TensorCore

/// Reads a safetensors header; trusts nothing in it.
struct SafetensorsHeaderParser {
    /// The format's own limit of a header.
    static let largestHeader = 100_000_000
    /// Far beyond any model, and small enough that what is made of them takes tens of megabytes at most.
    static let mostTensors = 1 << 18
    private static let metadataKey = "__metadata__"

    private let file: MappedFile
    private(set) var metadata: [String: String] = [:]
    /// After `parse`, in the order of their data.
    private(set) var tensors: [SafetensorsFile.TensorInfo] = []
    /// Where the header's entry of each tensor begins, until they are sorted.
    private var entries: [(tensor: SafetensorsFile.TensorInfo, offset: Int)] = []
    private var dataOffset = 0

    init(file: MappedFile) { self.file = file }

    mutating func parse() throws {
        let headerBytes = try headerRange()
        dataOffset = headerBytes.upperBound
        var reader = JSONReader(UnsafeRawBufferPointer(rebasing: file.bytes[headerBytes]))
        do {
            try reader.members(atMost: Self.mostTensors) { reader, key, place in
                if key == Self.metadataKey {
                    try reader.members(atMost: 1 << 16) { reader, name, _ in metadata[name] = try reader.string() }
                } else {
                    try parseTensor(key, at: headerBytes.lowerBound + place, &reader)
                }
            }
            try reader.finish()
        } catch let failure as JSONReader.Failure {
            throw error(at: headerBytes.lowerBound + failure.offset, .invalidHeader(failure.problem))
        }
        try checkPlaces()
    }

    private func error(at offset: Int?, _ reason: SafetensorsError.Reason) -> SafetensorsError {
        SafetensorsError(file.path, at: offset, reason)
    }

    private func headerRange() throws -> Range<Int> {
        guard file.byteCount >= 8 else { throw error(at: 0, .truncated(fileByteCount: file.byteCount)) }
        let length = file.bytes.littleEndian(UInt64.self, at: 0)
        guard length <= UInt64(Self.largestHeader) else {
            let start = Array(file.bytes.prefix(4))
            if FileKind.isKnown(start) { throw error(at: 0, .wrongStart(found: start)) }
            throw error(at: 0, .headerTooLarge(length: length, limit: Self.largestHeader))
        }
        guard length <= UInt64(file.byteCount - 8) else {
            throw error(at: 0, .headerPastEnd(length: Int(length), fileByteCount: file.byteCount))
        }
        guard length >= 2, file.bytes[8] == UInt8(ascii: "{") else {
            throw error(at: 8, .invalidHeader("the header does not begin with '{'"))
        }
        return 8..<8 + Int(length)
    }

    private mutating func parseTensor(_ name: String, at place: Int, _ reader: inout JSONReader) throws {
        var typeName: String?, shape: [Int]?, range: [Int]?
        try reader.members { reader, key, keyPlace in
            switch key {
            case "dtype": typeName = try reader.string()
            case "shape": shape = try Self.counts(&reader, "a size of tensor '\(name)'")
            case "data_offsets": range = try Self.counts(&reader, "an offset of tensor '\(name)'")
            default: throw reader.failure("tensor '\(name)' has the unknown key '\(key)'", at: keyPlace)
            }
        }
        guard let typeName, let shape, let range else {
            let missing = typeName == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw error(at: place, .missingKey(tensor: name, key: missing))
        }
        guard let type = SafetensorsType(rawValue: typeName) else {
            throw error(at: place, .unknownType(tensor: name, type: typeName))
        }
        guard let elements = elementCount(of: shape), let byteCount = type.byteCount(elements: elements) else {
            throw error(at: place, .invalidShape(tensor: name, shape: shape, type: typeName))
        }
        guard range.count == 2, range[0] <= range[1] else {
            throw error(at: place, .invalidOffsets(tensor: name, offsets: range))
        }
        guard range[1] <= file.byteCount - dataOffset else {
            throw error(at: place, .tensorPastEnd(tensor: name, end: range[1], available: file.byteCount - dataOffset))
        }
        guard range[1] - range[0] == byteCount else {
            let found = range[1] - range[0]
            throw error(at: place, .wrongByteCount(tensor: name, expected: byteCount, found: found))
        }
        let tensor = SafetensorsFile.TensorInfo(
            name: name,
            type: type,
            shape: shape,
            byteOffset: dataOffset + range[0],
            byteCount: byteCount
        )
        entries.append((tensor, place))
    }

    /// More sizes than any tensor has are refused before they are collected.
    private static func counts(_ reader: inout JSONReader, _ what: @autoclosure () -> String) throws -> [Int] {
        var counts: [Int] = []
        try reader.elements { reader in
            guard counts.count < 16 else { throw reader.failure("more than 16 numbers, each \(what())") }
            counts.append(try reader.count(what()))
        }
        return counts
    }

    /// The data must follow each other without overlap or hole, up to the end of the file.
    private mutating func checkPlaces() throws {
        entries.sort {
            ($0.tensor.byteOffset, $0.tensor.byteCount, $0.offset)
                < ($1.tensor.byteOffset, $1.tensor.byteCount, $1.offset)
        }
        var end = dataOffset, previous: String?
        for (tensor, place) in entries {
            if tensor.byteOffset < end, let previous {
                throw error(at: place, .overlap(tensor: tensor.name, other: previous))
            }
            if tensor.byteOffset > end {
                throw error(at: place, .hole(tensor: tensor.name, byteCount: tensor.byteOffset - end))
            }
            end = tensor.byteOffset + tensor.byteCount
            previous = tensor.name
        }
        guard end == file.byteCount else { throw error(at: end, .trailingBytes(file.byteCount - end)) }
        tensors = entries.map { $0.tensor }
        entries = []
    }
}
