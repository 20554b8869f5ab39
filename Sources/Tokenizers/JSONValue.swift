/// A small part of a JSON file as a tree.
package indirect enum JSONValue: Sendable, Equatable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case number(Double)
    case boolean(Bool)
    case null

    /// More values are refused, so that a tree takes no multiple of its file.
    private static let valueLimit = 20_000

    /// - Parameter format: what the bytes are, for errors.
    /// - Throws: `TokenizerError.malformedFile`.
    package init(_ bytes: [UInt8], format: String) throws {
        self = try bytes.withUnsafeBufferPointer { bytes in
            var reader = JSONReader(bytes, format: format)
            let value = try JSONValue(&reader)
            try reader.readEnd()
            return value
        }
    }

    init(_ reader: inout JSONReader) throws {
        var count = 0
        self = try Self.read(&reader, &count)
    }

    private static func read(_ reader: inout JSONReader, _ count: inout Int) throws -> JSONValue {
        count += 1
        guard count <= valueLimit else { throw reader.error("more than \(valueLimit) values in a description") }
        switch try reader.peek() {
        case .object:
            var members: [String: JSONValue] = [:]
            try reader.readObject { reader, name in members[name] = try read(&reader, &count) }
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            try reader.readArray { reader in elements.append(try read(&reader, &count)) }
            return .array(elements)
        case .string: return .string(try reader.readString())
        case .number: return .number(try reader.readNumber())
        case .boolean: return .boolean(try reader.readBoolean())
        case .null:
            try reader.readNull()
            return .null
        }
    }

    /// A member of an object; `null` if there is none.
    package subscript(_ name: String) -> JSONValue {
        if case .object(let members) = self { members[name] ?? .null } else { .null }
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    package var flag: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    package var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }
}
