import TensorCore

/// The parts of a term such as `uniform-2-token-g128-clip0.96`, which stages and coders take one after the other.
public struct StageTerm {
    /// The whole term.
    public let text: String
    private var parts: ArraySlice<Substring>

    init(_ text: some StringProtocol) {
        self.text = String(text)
        parts = self.text.split(separator: "-", omittingEmptySubsequences: false)[...]
    }

    /// Its first part.
    var name: String { parts.first.map { String($0) } ?? "" }

    mutating func skipName() { if !parts.isEmpty { parts.removeFirst() } }

    /// The next part, whatever it is.
    mutating func word(_ expected: String) throws -> String {
        guard let part = parts.first else { throw missing(expected) }
        parts.removeFirst()
        return String(part)
    }

    /// Whether `flag` is next; it is taken.
    mutating func flag(_ flag: String) -> Bool {
        guard parts.first == Substring(flag) else { return false }
        parts.removeFirst()
        return true
    }

    /// A whole number after a fixed beginning, or `nil` if something else is next.
    mutating func integer(after prefix: String = "") -> Int? {
        guard let part = parts.first, let value = number(part, after: prefix) else { return nil }
        parts.removeFirst()
        return value
    }

    mutating func requiredInteger(after prefix: String = "", _ expected: String) throws -> Int {
        guard let value = integer(after: prefix) else { throw missing(expected) }
        return value
    }

    /// A decimal number after a fixed beginning, as Swift writes it: `0.96`, `2`.
    mutating func decimal(after prefix: String = "") -> Double? {
        guard let part = parts.first, part.hasPrefix(prefix) else { return nil }
        let digits = part.dropFirst(prefix.count)
        guard let value = Double(digits), value.isFinite, Self.written(value) == digits else { return nil }
        parts.removeFirst()
        return value
    }

    mutating func requiredDecimal(after prefix: String = "", _ expected: String) throws -> Double {
        guard let value = decimal(after: prefix) else { throw missing(expected) }
        return value
    }

    mutating func axis() throws -> ScaleSharing {
        guard let part = parts.first, let axis = ScaleSharing.allCases.first(where: { $0.idPart == part }) else {
            throw missing("'token' or 'channel'")
        }
        parts.removeFirst()
        return axis
    }

    mutating func groupSize() throws -> GroupSize {
        if flag("whole") { return .whole }
        let count = try requiredInteger(after: "g", "a group such as 'g32', or 'whole'")
        guard count >= 1 else {
            throw SchemeError.parameter(
                name: "group_size",
                value: "\(count)",
                expected: "1 element or more, or 'whole'"
            )
        }
        return .elements(count)
    }

    mutating func metadata() -> MetadataFormat? {
        guard let part = parts.first, let format = MetadataFormat(rawValue: String(part)) else { return nil }
        parts.removeFirst()
        return format
    }

    /// - Throws: `SchemeError.parameter` if parts are left.
    func finish(_ grammar: String) throws {
        guard let part = parts.first else { return }
        throw SchemeError.parameter(name: "'\(text)'", value: "followed by '\(part)'", expected: grammar)
    }

    func missing(_ expected: String) -> SchemeError {
        let found = parts.first.map { "'\($0)'" } ?? "nothing"
        return .parameter(name: "'\(text)'", value: "continued with \(found)", expected: expected)
    }

    /// One spelling a number: `2` and not `2.0`.
    static func written(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }
}

extension StageTerm {
    static func checked(_ value: Int, _ name: String, in range: ClosedRange<Int>) throws -> Int {
        guard range.contains(value) else {
            throw SchemeError.parameter(
                name: name,
                value: "\(value)",
                expected: "\(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    static func checked(_ value: Double, _ name: String, above low: Double, to high: Double) throws -> Double {
        guard value > low, value <= high else {
            throw SchemeError.parameter(
                name: name,
                value: written(value),
                expected: "above \(written(low)), at most \(written(high))"
            )
        }
        return value
    }
}
