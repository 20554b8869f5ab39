/// Any JSON, with the members of objects in the order of the file.
public enum JSONValue: Sendable, Equatable {
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

    /// Member of an object, of several the last; else `nil`.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// Text of a string, else `nil`.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// Elements of an array, else `nil`.
    public var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// A boolean, else `nil`.
    public var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    /// Value of a number that is whole, however it is written, and fits; else `nil`.
    public var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }
}
