/// An error a person can act on: what was wrong, where, what was expected, what to do.
///
/// Every error that this package throws on bad input conforms, so that the
/// command line, a report and a test print them in one way.
public protocol ActionableError: Error, CustomStringConvertible, Sendable {
    /// What was wrong, with the value received.
    var problem: String { get }
    /// Where: a file with byte offset, line or key; `nil` if there is no such place.
    var location: String? { get }
    /// What would have been accepted.
    var expected: String? { get }
    /// What to do about it.
    var remedy: String? { get }
}

extension ActionableError {
    public var location: String? { nil }
    public var expected: String? { nil }
    public var remedy: String? { nil }

    /// `location: problem; expected …` and, on a second line, the remedy.
    public var description: String {
        var text = location.map { "\($0): " } ?? ""
        text += problem
        if let expected { text += "; expected \(expected)" }
        if let remedy { text += "\n  \(remedy)" }
        return text
    }
}
