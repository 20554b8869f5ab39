import TensorCore

/// Two numbers of one meaning, either of which may be missing.
struct NumberDifference {
    let a: Double?
    let b: Double?

    /// b − a; `nil` if one is missing.
    var difference: Double? {
        guard let a, let b else { return nil }
        return a == b ? 0 : b - a
    }

    /// b / a; `nil` if one is missing or a is 0.
    var ratio: Double? {
        guard let a, let b, a != 0 else { return nil }
        return b / a
    }

    /// |b − a| over the larger magnitude: 0 for equal numbers, two NaN or two that are missing; infinite where one
    /// only is missing, NaN or infinite.
    var relative: Double {
        guard let a, let b else { return a == nil && b == nil ? 0 : .infinity }
        if a == b || a.isNaN && b.isNaN { return 0 }
        guard a.isFinite, b.isFinite else { return .infinity }
        return abs(b - a) / max(abs(a), abs(b))
    }

    /// Cells `value_a`, `value_b`, `difference`, `ratio`, `relative_difference`.
    var cells: [Table.Value] {
        [a, b, difference, ratio, relative].map { value in value.map { .number($0) } ?? .missing }
    }

    static func columns(unit: String = "") -> [Table.Column] {
        [
            .init("value_a", .number, unit: unit, "of the first; missing if it has none"),
            .init("value_b", .number, unit: unit, "of the second; missing if it has none"),
            .init("difference", .number, unit: unit, "value_b - value_a"),
            .init("ratio", .number, "value_b / value_a; missing if value_a is 0"),
            .init(
                "relative_difference",
                .number,
                "|value_b - value_a| over the larger magnitude; inf where one of them only is there or finite"
            ),
        ]
    }
}
