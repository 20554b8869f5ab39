extension WindowPolicy {
    /// One window for all: `equal(sink: 4, recent: 128)`.
    public var equalTerm: String {
        let count = if case .last(let count) = recent { count } else { 0 }
        return "equal(sink: \(sink), recent: \(count))"
    }

    /// Reads `equal(sink: 4, recent: 128)`, either part alone too.
    ///
    /// - Throws: `SchemeError.parameter`.
    public init(equal text: String) throws {
        func wrong() -> SchemeError {
            .parameter(name: "window", value: "'\(text)'", expected: "equal(sink: 4, recent: 128)")
        }
        let plain = text.filter { !$0.isWhitespace }
        guard plain.hasPrefix("equal("), plain.hasSuffix(")") else { throw wrong() }
        var counts: [String: Int] = [:]
        for part in plain.dropFirst("equal(".count).dropLast().split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: ":", omittingEmptySubsequences: false)
            guard sides.count == 2, ["sink", "recent"].contains(String(sides[0])), let count = Int(sides[1]),
                count >= 0,
                counts.updateValue(count, forKey: String(sides[0])) == nil
            else { throw wrong() }
        }
        try self.init(sink: counts["sink"] ?? 0, recent: .last(counts["recent"] ?? 0))
    }
}
