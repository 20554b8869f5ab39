import TensorCore

/// A setting of a structure study that has no meaning.
public struct StructureStudyError: ActionableError, Equatable {
    public let setting: String
    public let value: String
    public let expected: String?

    init(setting: String, value: String, expected: String) {
        self.setting = setting
        self.value = value
        self.expected = expected
    }

    public var problem: String { "\(setting) is \(value)" }
    public var remedy: String? { "leave it out for the default" }
}
