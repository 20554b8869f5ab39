/// An array of a GGUF file's metadata, left in the file's encoding until it is asked for.
///
/// Vocabularies of 10⁵ strings are the largest part of a header; most uses of a
/// file (listing, reading weights) never look at them.
public struct MetadataArray: Sendable {
    public let elementKind: MetadataValue.Kind
    public let count: Int
    private let storage: Storage

    private enum Storage: Sendable {
        case mapped(MappedFile, Range<Int>)
        case owned([UInt8])
    }

    /// - Precondition: `range` has been checked to hold exactly `count` elements of that kind.
    init(elementKind: MetadataValue.Kind, count: Int, file: MappedFile, range: Range<Int>) {
        self.elementKind = elementKind
        self.count = count
        storage = .mapped(file, range)
    }

    private init(elementKind: MetadataValue.Kind, count: Int, encoded: [UInt8]) {
        self.elementKind = elementKind
        self.count = count
        storage = .owned(encoded)
    }

    public init(strings: [String]) {
        var encoded: [UInt8] = []
        for text in strings { encoded.append(string: text) }
        self.init(elementKind: .string, count: strings.count, encoded: encoded)
    }

    /// Stored as 32-bit integers.
    public init(int32s: [Int32]) {
        var encoded: [UInt8] = []
        for value in int32s { encoded.append(littleEndian: value) }
        self.init(elementKind: .int32, count: int32s.count, encoded: encoded)
    }

    /// Stored as 32-bit floating point.
    public init(float32s: [Float]) {
        var encoded: [UInt8] = []
        for value in float32s { encoded.append(littleEndian: value.bitPattern) }
        self.init(elementKind: .float32, count: float32s.count, encoded: encoded)
    }

    /// Scalars of one kind, for example `[.uint64(1), .uint64(2)]`.
    ///
    /// - Precondition: all of `kind`, which is not `.array`.
    public init(kind: MetadataValue.Kind, values: [MetadataValue]) {
        precondition(kind != .array, "GGUF arrays of arrays are not supported")
        var encoded: [UInt8] = []
        for value in values {
            precondition(value.kind == kind, "\(value.kind) in an array of \(kind)")
            encoded.append(payload: value)
        }
        self.init(elementKind: kind, count: values.count, encoded: encoded)
    }

    /// Calls `body` with the elements as the file has them.
    func withEncodedBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch storage {
        case .mapped(let file, let range): try body(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
        case .owned(let bytes): try bytes.withUnsafeBytes(body)
        }
    }

    /// The elements as strings; `nil` if they are of another kind or one is not UTF-8.
    ///
    /// - Complexity: O(bytes) at each call.
    public var strings: [String]? {
        guard elementKind == .string else { return nil }
        return withEncodedBytes { bytes in
            var result: [String] = []
            result.reserveCapacity(count)
            var offset = 0
            for _ in 0..<count {
                let length = Int(bytes.littleEndian(UInt64.self, at: offset))
                guard let text = bytes.text(in: offset + 8..<offset + 8 + length) else { return nil }
                result.append(text)
                offset += 8 + length
            }
            return result
        }
    }

    /// Element `index` of an array of numbers or booleans.
    private func scalars<Result>(_ convert: (MetadataValue) -> Result?) -> [Result]? {
        guard let size = elementKind.fixedByteCount else { return nil }
        return withEncodedBytes { bytes in
            var result: [Result] = []
            result.reserveCapacity(count)
            for index in 0..<count {
                guard let value = bytes.scalar(elementKind, at: index * size), let converted = convert(value) else {
                    return nil
                }
                result.append(converted)
            }
            return result
        }
    }

    /// The elements as integers; `nil` if they are of another kind or do not fit.
    public var integers: [Int]? { scalars { $0.integer } }
    /// The elements as numbers; `nil` if they are strings or booleans.
    public var numbers: [Double]? { scalars { $0.number } }
    /// The elements as booleans; `nil` if they are of another kind.
    public var booleans: [Bool]? { scalars { $0.boolean } }
}

extension MetadataArray: Equatable {
    public static func == (a: MetadataArray, b: MetadataArray) -> Bool {
        a.elementKind == b.elementKind && a.count == b.count
            && a.withEncodedBytes { left in b.withEncodedBytes { left.elementsEqual($0) } }
    }
}
