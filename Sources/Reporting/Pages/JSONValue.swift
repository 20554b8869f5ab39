import Foundation

/// Any JSON, with the members of objects in the order of the file.
public indirect enum JSONValue: Sendable, Equatable {
    case object([Member])
    case array([JSONValue])
    case string(String)
    /// A number as it was written, so that no digit is lost.
    case number(String)
    case boolean(Bool)
    case null

    /// One member of an object.
    public struct Member: Sendable, Equatable {
        public let name: String
        public let value: JSONValue

        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Member of an object, else `nil`.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Text of a string, else `nil`.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// Value of a number that is an integer, else `nil`.
    public var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    /// Reads a whole file.
    ///
    /// - Throws: ``ReportingError`` with file and line.
    public static func read(_ path: String) throws -> JSONValue {
        var parser = JSONParser(file: path, bytes: Array(try TextFile.read(path).utf8))
        return try parser.document()
    }

    /// Reads a text; `file` is named in errors.
    public static func parse(_ text: String, file: String = "JSON") throws -> JSONValue {
        var parser = JSONParser(file: file, bytes: Array(text.utf8))
        return try parser.document()
    }
}

/// A recursive-descent parser of RFC 8259.
private struct JSONParser {
    let file: String
    let bytes: [UInt8]
    var position = 0
    /// Nesting that is still safe on any thread's stack.
    static let depthLimit = 128

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
    }

    mutating func document() throws -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("text after the end of the document") }
        return value
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.depthLimit else { throw failure("nested deeper than \(Self.depthLimit) levels") }
        skipSpace()
        guard position < bytes.count else { throw failure("the document ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        var members: [JSONValue.Member] = []
        position += 1
        skipSpace()
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw failure("a member needs a name")
            }
            let name = try string()
            skipSpace()
            guard take(":") else { throw failure("a colon is missing after '\(name)'") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw failure("an object is not closed") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        var elements: [JSONValue] = []
        position += 1
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw failure("an array is not closed") }
        return .array(elements)
    }

    private mutating func string() throws -> String {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw failure("a string is not closed") }
        position += 1
        let raw = bytes[start..<position]
        guard raw.contains(UInt8(ascii: "\\")) else {
            return String(decoding: raw.dropFirst().dropLast(), as: UTF8.self)
        }
        // Escapes, with surrogate pairs, are Foundation's business.
        guard let text = try? JSONDecoder().decode(String.self, from: Data(raw)) else { throw failure("a bad escape") }
        return text
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        while position < bytes.count, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard !text.isEmpty, Double(text) != nil else {
            position = start
            throw failure("a value was expected")
        }
        return .number(text)
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("a value was expected") }
        position += word.utf8.count
        return value
    }

    private mutating func take(_ letter: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: letter) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private func failure(_ problem: String) -> ReportingError {
        let line = 1 + bytes[..<min(position, bytes.count)].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
        return .malformed(file: file, line: line, column: "", problem: problem, expected: "JSON")
    }
}
