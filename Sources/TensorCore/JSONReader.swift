/// Reads JSON (RFC 8259) from bytes that nobody vouches for, from front to back and piece by piece: some vocabularies are
/// tens of megabytes.
///
/// Strict: UTF-8 without a byte-order mark, no comments, no trailing commas, no control characters in strings, no
/// lone surrogates. Depth is bounded, and nothing is allocated before the bytes that ask for it have been seen, so
/// memory stays in proportion to the text and time linear in it.
package struct JSONReader {
    /// What is wrong at a byte of the text.
    package struct Failure: Error, Equatable {
        package let offset: Int
        package let problem: String
    }

    package enum Kind {
        case object, array, string, number, boolean, null
    }

    /// What a key that an object has twice is.
    package enum RepeatedKeys {
        case refused
        case allowed
    }

    /// Arrays and objects within each other.
    private static let deepest = 64

    private let bytes: UnsafeRawBufferPointer
    package private(set) var offset = 0
    private var depth = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package func failure(_ problem: String, at place: Int? = nil) -> Failure {
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

    /// The kind of the value that comes next.
    package mutating func peek() throws -> Kind {
        skipSpace()
        guard let next else { throw unexpected("a value") }
        switch next {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw unexpected("a value")
        }
    }

    /// - Throws: if anything but white space follows.
    package mutating func finish() throws {
        skipSpace()
        if next != nil { throw unexpected("the end") }
    }
}

// MARK: - Arrays and objects

extension JSONReader {
    private mutating func open(_ character: Unicode.Scalar) throws {
        try expect(character)
        depth += 1
        guard depth <= Self.deepest else {
            throw failure("values nested more than \(Self.deepest) deep", at: offset - 1)
        }
    }

    private mutating func close(_ character: Unicode.Scalar) throws {
        try expect(character)
        depth -= 1
    }

    /// Calls `body` at the value of each member, with its key and where the key begins; it must read the value.
    ///
    /// - Throws: for more than `limit` members, before they are held.
    package mutating func members(
        _ repeatedKeys: RepeatedKeys = .refused,
        atMost limit: Int = .max,
        _ body: (inout JSONReader, String, Int) throws -> Void
    ) throws {
        try open("{")
        if take("}") {
            depth -= 1
            return
        }
        var seen: Set<String> = [], count = 0
        repeat {
            skipSpace()
            let place = offset
            let key = try string()
            guard repeatedKeys == .allowed || seen.insert(key).inserted else {
                throw failure("the key '\(key.prefix(80))' occurs twice", at: place)
            }
            count += 1
            guard count <= limit else { throw failure("more than \(limit) members", at: place) }
            try expect(":")
            try body(&self, key, place)
        } while take(",")
        try close("}")
    }

    /// Calls `body` at each element; it must read it.
    package mutating func elements(_ body: (inout JSONReader) throws -> Void) throws {
        try open("[")
        if take("]") {
            depth -= 1
            return
        }
        repeat { try body(&self) } while take(",")
        try close("]")
    }

    /// Any value.
    ///
    /// - Throws: for more than `limit` values within each other and side by side, before they are held.
    package mutating func value(
        _ repeatedKeys: RepeatedKeys = .refused,
        atMost limit: Int = .max
    ) throws -> JSONValue {
        var count = 0
        return try value(repeatedKeys, limit, &count)
    }

    private mutating func value(_ repeatedKeys: RepeatedKeys, _ limit: Int, _ count: inout Int) throws -> JSONValue {
        count += 1
        guard count <= limit else { throw failure("more than \(limit) values in a description") }
        switch try peek() {
        case .object:
            var list: [JSONValue.Member] = []
            try members(repeatedKeys) { reader, key, _ in
                list.append(.init(key, try reader.value(repeatedKeys, limit, &count)))
            }
            return .object(list)
        case .array:
            var list: [JSONValue] = []
            try elements { reader in list.append(try reader.value(repeatedKeys, limit, &count)) }
            return .array(list)
        case .string: return .string(try string())
        case .number: return .number(try numberText())
        case .boolean: return .boolean(try boolean())
        case .null:
            try null()
            return .null
        }
    }

    /// Moves over a value and keeps nothing of it; keys may come twice.
    package mutating func skip() throws {
        switch try peek() {
        case .object: try members(.allowed) { reader, _, _ in try reader.skip() }
        case .array: try elements { reader in try reader.skip() }
        case .string: _ = try string()
        case .number: _ = try numberText()
        case .boolean: _ = try boolean()
        case .null: try null()
        }
    }
}

// MARK: - Words and numbers

extension JSONReader {
    private mutating func word(_ text: StaticString) throws {
        skipSpace()
        let start = offset
        for index in 0..<text.utf8CodeUnitCount {
            guard next == text.utf8Start[index] else { throw failure("no '\(text)' where it should be", at: start) }
            offset += 1
        }
    }

    package mutating func null() throws { try word("null") }

    package mutating func boolean() throws -> Bool {
        skipSpace()
        guard next == UInt8(ascii: "t") else {
            try word("false")
            return false
        }
        try word("true")
        return true
    }

    private mutating func digits() throws {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        if offset == start { throw unexpected("a digit") }
    }

    /// A number as it is written, which `Double` can read.
    private mutating func numberText() throws -> String {
        skipSpace()
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        guard let first = next, (0x30...0x39).contains(first) else { throw unexpected("a number") }
        if first == 0x30 { offset += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        guard offset - start <= 400 else { throw failure("a number of \(offset - start) characters", at: start) }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    package mutating func number() throws -> Double {
        skipSpace()
        let start = offset, text = try numberText()
        guard let number = Double(text) else { throw failure("the number \(text) cannot be read", at: start) }
        return number
    }

    /// A whole number, however it is written.
    package mutating func integer() throws -> Int {
        skipSpace()
        let start = offset, text = try numberText()
        guard let integer = JSONValue.number(text).integer else {
            throw failure("\(text) where an integer should be", at: start)
        }
        return integer
    }

    /// A whole number from 0 up, without fraction and exponent.
    package mutating func count(_ what: @autoclosure () -> String) throws -> Int {
        skipSpace()
        let start = offset
        guard let count = Int(try numberText()), count >= 0 else {
            throw failure("\(what()) is no whole number from 0 to \(Int.max)", at: start)
        }
        return count
    }
}

// MARK: - Strings

extension JSONReader {
    private func text(_ range: Range<Int>) -> String? {
        String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// - Returns: `nil` for `null`.
    package mutating func stringIfPresent() throws -> String? {
        guard try peek() == .null else { return try string() }
        try null()
        return nil
    }

    /// A string with its escapes resolved.
    package mutating func string() throws -> String {
        try expect("\"")
        let start = offset
        var resolved: [UInt8]? = nil
        while true {
            guard let byte = next else { throw failure("the text ends inside a string", at: start - 1) }
            switch byte {
            case UInt8(ascii: "\""):
                let text = resolved.map { String(validating: $0, as: UTF8.self) } ?? text(start..<offset)
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
