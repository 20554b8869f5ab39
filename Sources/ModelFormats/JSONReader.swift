/// Reads JSON (RFC 8259) from bytes that nobody vouches for, from front to back.
///
/// Strict: UTF-8 without a byte-order mark, no comments, no trailing commas, no control characters in strings, no
/// lone surrogates, no key twice. Depth is bounded, and nothing is allocated before the bytes that ask for it have
/// been seen, so memory stays in proportion to the text and time linear in it.
struct JSONReader {
    /// What is wrong at a byte of the text.
    struct Failure: Error, Equatable {
        let offset: Int
        let problem: String
    }

    /// Arrays and objects within each other.
    static let deepest = 64

    let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func failure(_ problem: String, at place: Int? = nil) -> Failure {
        Failure(offset: place ?? offset, problem: problem)
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    /// Moves over white space and then `character`, if it comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard let byte = next, UInt32(byte) == character.value else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw unexpected("'\(character)'") }
    }

    private func unexpected(_ wanted: String) -> Failure {
        guard let byte = next else { return failure("the text ends where \(wanted) should be") }
        let found = (0x21..<0x7F).contains(byte) ? "'\(Unicode.Scalar(byte))'" : "the byte \(byte)"
        return failure("\(found) where \(wanted) should be")
    }

    /// - Throws: if anything but white space follows.
    mutating func finish() throws {
        skipSpace()
        if next != nil { throw unexpected("the end") }
    }
}

// MARK: - Arrays and objects

extension JSONReader {
    /// Calls `body` at the value of each member, with its key and where the key begins; it must read the value.
    mutating func members(_ body: (inout JSONReader, String, Int) throws -> Void) throws {
        try expect("{")
        guard !take("}") else { return }
        var seen: Set<String> = []
        repeat {
            skipSpace()
            let place = offset
            let key = try string()
            guard seen.insert(key).inserted else {
                throw failure("the key '\(key.prefix(80))' occurs twice", at: place)
            }
            try expect(":")
            try body(&self, key, place)
        } while take(",")
        try expect("}")
    }

    /// Calls `body` at each element; it must read it.
    mutating func elements(_ body: (inout JSONReader) throws -> Void) throws {
        try expect("[")
        guard !take("]") else { return }
        repeat { try body(&self) } while take(",")
        try expect("]")
    }

    /// Any value.
    mutating func value(depth: Int = 0) throws -> JSONValue {
        skipSpace()
        guard depth <= Self.deepest else { throw failure("more than \(Self.deepest) arrays or objects in each other") }
        switch next {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try self.members { reader, key, _ in members[key] = try reader.value(depth: depth + 1) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try self.elements { reader in elements.append(try reader.value(depth: depth + 1)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
        let start = offset
        for index in 0..<text.utf8CodeUnitCount {
            guard next == text.utf8Start[index] else { throw failure("neither true, false nor null", at: start) }
            offset += 1
        }
        return value
    }
}

// MARK: - Numbers

extension JSONReader {
    private mutating func digits() throws {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        if offset == start { throw unexpected("a digit") }
    }

    /// A number; without fraction and exponent, and if it fits, an integer.
    mutating func number() throws -> JSONValue {
        skipSpace()
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        guard let first = next, (0x30...0x39).contains(first) else { throw unexpected("a value") }
        if first == 0x30 { offset += 1 } else { try digits() }
        var isInteger = true
        if next == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        guard offset - start <= 400 else { throw failure("a number of \(offset - start) characters", at: start) }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text) else { throw failure("the number \(text) cannot be read", at: start) }
        return .number(number)
    }

    /// A whole number from 0 up.
    mutating func count(_ what: @autoclosure () -> String) throws -> Int {
        skipSpace()
        let start = offset
        guard case .integer(let count) = try number(), count >= 0 else {
            throw failure("\(what()) is no whole number from 0 to \(Int.max)", at: start)
        }
        return count
    }
}

// MARK: - Strings

extension JSONReader {
    /// A string with its escapes resolved.
    mutating func string() throws -> String {
        try expect("\"")
        let start = offset
        var resolved: [UInt8]? = nil
        while true {
            guard let byte = next else { throw failure("the text ends inside a string", at: start - 1) }
            switch byte {
            case UInt8(ascii: "\""):
                let text = resolved.map { String(validating: $0, as: UTF8.self) } ?? bytes.text(in: start..<offset)
                guard let text else { throw failure("a string that is not UTF-8", at: start - 1) }
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                if resolved == nil { resolved = Array(bytes[start..<offset]) }
                offset += 1
                resolved?.append(contentsOf: String(Character(try escape())).utf8)
            case ..<0x20: throw failure("the control character \(byte) in a string")
            default:
                resolved?.append(byte)
                offset += 1
            }
        }
    }

    private mutating func escape() throws -> Unicode.Scalar {
        guard let byte = next else { throw failure("the text ends inside an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("an unknown escape", at: offset - 2)
        }
    }

    /// What follows `\u`: four digits, or two surrogates of four each.
    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        let start = offset - 2
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, next == UInt8(ascii: "\\") else { throw failure("a lone surrogate", at: start) }
        offset += 1
        guard next == UInt8(ascii: "u") else { throw failure("a lone surrogate", at: start) }
        offset += 1
        let second = try fourDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("a lone surrogate", at: start) }
        return scalar
    }

    private mutating func fourDigits() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw unexpected("a hexadecimal digit")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }
}
