/// Reads JSON piece by piece, without a tree of the whole: vocabularies are tens of megabytes.
///
/// Strict (RFC 8259), with a bound on depth; every error names the byte.
struct JSONReader {
    enum Kind {
        case object, array, string, number, boolean, null
    }

    private static let depthLimit = 64

    private let format: String
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0
    private var depth = 0

    /// - Parameter format: what the bytes are, for errors.
    init(_ bytes: UnsafeBufferPointer<UInt8>, format: String) {
        self.bytes = bytes
        self.format = format
    }

    func error(_ problem: String, at offset: Int? = nil) -> TokenizerError {
        .malformedFile(format: format, offset: offset ?? position, problem: problem)
    }

    /// The kind of the value that comes next.
    mutating func peek() throws -> Kind {
        switch try nextByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case let byte: throw error("byte \(byte) where a value should begin")
        }
    }

    /// Calls `member` with each name; it must read the value.
    mutating func readObject(_ member: (inout JSONReader, String) throws -> Void) throws {
        try open(UInt8(ascii: "{"), "an object")
        if try take(UInt8(ascii: "}")) { return close() }
        while true {
            let name = try readString()
            guard try take(UInt8(ascii: ":")) else { throw error("no ':' behind the name '\(name.prefix(40))'") }
            try member(&self, name)
            if try take(UInt8(ascii: "}")) { return close() }
            guard try take(UInt8(ascii: ",")) else { throw error("no ',' or '}' behind '\(name.prefix(40))'") }
        }
    }

    /// Calls `element` for each element; it must read it.
    mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
        try open(UInt8(ascii: "["), "an array")
        if try take(UInt8(ascii: "]")) { return close() }
        while true {
            try element(&self)
            if try take(UInt8(ascii: "]")) { return close() }
            guard try take(UInt8(ascii: ",")) else { throw error("no ',' or ']' behind an element") }
        }
    }

    mutating func readString() throws -> String {
        guard try take(UInt8(ascii: "\"")) else { throw error("no string where one should be") }
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                guard let text = text(start..<position) else { throw error("a string that is not UTF-8", at: start) }
                position += 1
                return text
            case UInt8(ascii: "\\"): return try readEscapedString(from: start)
            case 0..<0x20: throw error("a control character in a string")
            default: position += 1
            }
        }
        throw error("a string without an end", at: start)
    }

    /// - Returns: `nil` for `null`.
    mutating func readStringIfPresent() throws -> String? {
        if try peek() == .null {
            try readWord("null")
            return nil
        }
        return try readString()
    }

    mutating func readBoolean() throws -> Bool {
        if try nextByte() == UInt8(ascii: "t") {
            try readWord("true")
            return true
        }
        try readWord("false")
        return false
    }

    mutating func readNumber() throws -> Double {
        guard try peek() == .number else { throw error("no number where one should be") }
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
                continue
            default: break
            }
            break
        }
        guard position - start <= 64, let text = text(start..<position), let value = Double(text) else {
            throw error("a malformed number", at: start)
        }
        return value
    }

    mutating func readInteger() throws -> Int {
        let start = position
        let value = try readNumber()
        guard let integer = Int(exactly: value) else { throw error("\(value) where an integer should be", at: start) }
        return integer
    }

    mutating func readNull() throws { try readWord("null") }

    /// Reads a value of any kind and drops it.
    mutating func skip() throws {
        switch try peek() {
        case .object: try readObject { reader, _ in try reader.skip() }
        case .array: try readArray { reader in try reader.skip() }
        case .string: _ = try readString()
        case .number: _ = try readNumber()
        case .boolean: _ = try readBoolean()
        case .null: try readNull()
        }
    }

    /// - Throws: if anything but white space is left.
    mutating func readEnd() throws {
        skipWhiteSpace()
        guard position == bytes.count else { throw error("more behind the end of the value") }
    }

    // MARK: - Pieces

    private func text(_ range: Range<Int>) -> String? {
        String(validating: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    private mutating func skipWhiteSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    private mutating func nextByte() throws -> UInt8 {
        skipWhiteSpace()
        guard position < bytes.count else { throw error("the end where more should be") }
        return bytes[position]
    }

    private mutating func take(_ byte: UInt8) throws -> Bool {
        guard try nextByte() == byte else { return false }
        position += 1
        return true
    }

    private mutating func open(_ byte: UInt8, _ what: String) throws {
        guard try take(byte) else { throw error("no \(what) where one should be") }
        depth += 1
        guard depth <= Self.depthLimit else { throw error("values nested more than \(Self.depthLimit) deep") }
    }

    private mutating func close() { depth -= 1 }

    private mutating func readWord(_ word: String) throws {
        skipWhiteSpace()
        guard bytes[position...].starts(with: word.utf8) else { throw error("no '\(word)' where it should be") }
        position += word.utf8.count
    }

    private mutating func readEscapedString(from start: Int) throws -> String {
        var result = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: result, as: UTF8.self) else {
                    throw error("a string that is not UTF-8", at: start)
                }
                return text
            case UInt8(ascii: "\\"): try readEscape(into: &result)
            case 0..<0x20: throw error("a control character in a string", at: position - 1)
            default: result.append(byte)
            }
        }
        throw error("a string without an end", at: start)
    }

    private mutating func readEscape(into result: inout [UInt8]) throws {
        guard position < bytes.count else { throw error("a string without an end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var value = try readHexadecimal()
            if (0xD800...0xDBFF).contains(value), bytes[position...].starts(with: "\\u".utf8) {
                position += 2
                let low = try readHexadecimal()
                guard (0xDC00...0xDFFF).contains(low) else { throw error("half of a surrogate pair") }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw error("half of a surrogate pair") }
            result.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("an unknown escape", at: position - 1)
        }
    }

    private mutating func readHexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw error("an escape without four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
