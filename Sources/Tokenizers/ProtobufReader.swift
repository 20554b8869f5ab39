/// Reads the fields of one protocol-buffers message over bytes in memory; nested messages are read where they lie.
struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        case fixed64(UInt64)
        /// A string, bytes, or a message.
        case bytes(Range<Int>)
        case fixed32(UInt32)
    }

    let bytes: UnsafeBufferPointer<UInt8>
    private let format: String
    private let end: Int
    private(set) var position: Int

    /// - Parameter format: what the bytes are, for errors.
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, format: String) {
        self.bytes = bytes
        self.format = format
        position = range.lowerBound
        end = range.upperBound
    }

    func error(_ problem: String) -> TokenizerError {
        .malformedFile(format: format, offset: position, problem: problem)
    }

    /// The next field and its number; `nil` at the end of the message.
    mutating func next() throws -> (field: Int, value: Value)? {
        guard position < end else { return nil }
        let tag = try readVarint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw error("field number \(tag >> 3)") }
        let field = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (field, .integer(try readVarint()))
        case 1: return (field, .fixed64(try readFixed(8)))
        case 2:
            let length = try readVarint()
            guard length <= UInt64(end - position) else {
                throw error("field \(field) takes \(length) bytes of the \(end - position) that are left")
            }
            let start = position
            position += Int(length)
            return (field, .bytes(start..<position))
        case 5: return (field, .fixed32(UInt32(try readFixed(4))))
        default: throw error("field \(field) of the unknown wire type \(tag & 7)")
        }
    }

    /// A string field's text.
    func text(_ range: Range<Int>) throws -> String {
        guard let text = String(validating: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
            throw error("a string that is not UTF-8")
        }
        return text
    }

    private mutating func readVarint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { throw error("the end inside of a number") }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw error("a number of more than 64 bits")
    }

    private mutating func readFixed(_ count: Int) throws -> UInt64 {
        guard end - position >= count else { throw error("the end inside of a number") }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }
}
