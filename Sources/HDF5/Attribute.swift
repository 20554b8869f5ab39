/// The value of an attribute.
public enum Attribute: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case double(Double)
    case strings([String])
    case integers([Int])
    case doubles([Double])

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .string: "a text"
        case .integer: "an integer"
        case .double: "a number"
        case .strings: "a list of texts"
        case .integers: "a list of integers"
        case .doubles: "a list of numbers"
        }
    }
}
