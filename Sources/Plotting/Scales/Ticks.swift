#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One tick of an axis.
public struct Tick: Sendable, Equatable {
    public let value: Double
    public let label: String

    public init(value: Double, label: String) {
        self.value = value
        self.label = label
    }
}

/// Ticks at numbers that people like: 1, 2 or 5 times a power of ten.
public enum Ticks {
    /// Evenly spaced ticks inside a range.
    ///
    /// - Parameter count: the most ticks wanted, at least 2.
    /// - Parameter integersOnly: no steps below 1, for layers, tokens and channels.
    public static func linear(_ range: ClosedRange<Double>, count: Int, integersOnly: Bool = false) -> [Tick] {
        let span = range.upperBound - range.lowerBound
        // A span that is nothing beside its ends, or whose steps would be no numbers, is one place.
        let reach = max(abs(range.lowerBound), abs(range.upperBound))
        guard span > 1e-290, span.isFinite, span > reach * 1e-14 else {
            return [Tick(value: range.lowerBound, label: NumberText.short(range.lowerBound))]
        }
        var exponent = Int(floor(log10(span / Double(max(count, 2))))) - 1
        while true {
            for factor in [1, 2, 5] where !integersOnly || exponent >= 0 {
                let step = Double(factor) * NumberText.powerOfTen(exponent)
                let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
                let last = Int((range.upperBound / step + 1e-9).rounded(.down))
                if last - first + 1 <= max(count, 2) {
                    let decimals = max(0, -exponent)
                    return (first...max(first, last)).filter { $0 <= last }.map { index in
                        let value =
                            exponent < 0
                            ? Double(index * factor) / NumberText.powerOfTen(-exponent) : Double(index) * step
                        return Tick(value: value, label: NumberText.tick(value, decimals: decimals))
                    }
                }
            }
            exponent += 1
        }
    }

    /// Ticks of an axis that is logarithmic both ways from zero: zero and powers of ten of either sign.
    public static func symmetricLogarithmic(_ range: ClosedRange<Double>, linearWithin: Double, count: Int) -> [Tick] {
        let reach = max(abs(range.lowerBound), abs(range.upperBound))
        guard reach > 3 * linearWithin, reach.isFinite else { return linear(range, count: count) }
        let first = Int(ceil(log10(linearWithin) - 1e-9))
        let last = max(first, Int(floor(log10(reach) + 1e-9)))
        let candidates: [([Int], Int)] = [
            ([1, 2, 5], 1), ([1, 3], 1), ([1], 1), ([1], 2), ([1], 3), ([1], 5), ([1], 10), ([1], 99),
        ]
        var best: [Tick] = []
        for (factors, stride) in candidates {
            var values: [Double] = [0]
            for exponent in Swift.stride(from: first, through: last, by: stride) {
                for factor in factors {
                    let value =
                        exponent < 0
                        ? Double(factor) / NumberText.powerOfTen(-exponent)
                        : Double(factor) * NumberText.powerOfTen(exponent)
                    values += [value, -value]
                }
            }
            best = values.filter { range.contains($0) }.sorted()
                .map { Tick(value: $0, label: NumberText.short($0)) }
            if best.count <= max(count, 3) { break }
        }
        return best.count > 1 ? best : linear(range, count: count)
    }

    /// Ticks of a logarithmic axis: powers of ten, with others between them when few decades are shown.
    public static func logarithmic(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
        // Powers of ten end before the smallest and the largest numbers do.
        guard range.lowerBound > 1e-290, range.upperBound < 1e290 else {
            return [range.lowerBound, range.upperBound].map { Tick(value: $0, label: NumberText.short($0)) }
        }
        let low = Int(floor(log10(range.lowerBound) + 1e-9))
        let high = Int(ceil(log10(range.upperBound) - 1e-9))
        let candidates: [([Int], Int)] = [
            ([1, 2, 3, 4, 5, 6, 8], 1), ([1, 2, 3, 5], 1), ([1, 2, 5], 1), ([1, 3], 1), ([1], 1), ([1], 2), ([1], 3),
            ([1], 5), ([1], 10),
        ]
        var best: [Tick] = []
        for (factors, stride) in candidates {
            var ticks: [Tick] = []
            for exponent in low...max(low, high) where exponent.isMultiple(of: stride) {
                for factor in factors {
                    let value =
                        exponent < 0
                        ? Double(factor) / NumberText.powerOfTen(-exponent)
                        : Double(factor) * NumberText.powerOfTen(exponent)
                    if value >= range.lowerBound * (1 - 1e-9), value <= range.upperBound * (1 + 1e-9) {
                        ticks.append(Tick(value: value, label: NumberText.short(value)))
                    }
                }
            }
            best = ticks
            if ticks.count <= max(count, 2) { break }
        }
        return best.isEmpty ? linear(range, count: count) : best
    }
}
