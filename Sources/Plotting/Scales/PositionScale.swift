#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Maps the values of one axis to pixels.
public struct PositionScale: Sendable {
    public let kind: Axis.Kind
    /// Limits in data units; for bands −½ … n − ½.
    public let domain: ClosedRange<Double>
    /// Names of the bands; empty for numbers.
    public let names: [String]
    private let linearWithin: Double
    private let indexOfName: [String: Int]
    private var start = 0.0
    private var end = 1.0

    /// Learns limits from the values that marks bring.
    init(axis: Axis, numbers: [Double], names: [String]) {
        kind = axis.kind
        linearWithin = axis.linearWithin
        var seen: [String: Int] = [:]
        var ordered: [String] = []
        for name in names where seen[name] == nil {
            seen[name] = ordered.count
            ordered.append(name)
        }
        self.names = ordered
        indexOfName = seen
        if axis.kind == .band {
            domain = -0.5...(Double(max(ordered.count, 1)) - 0.5)
        } else if let given = axis.domain {
            domain = given
        } else {
            domain = Self.padded(numbers.filter(\.isFinite), axis: axis)
        }
    }

    /// The scale over a stretch of pixels; `end` may lie before `start`.
    func ranged(from start: Double, to end: Double) -> PositionScale {
        var copy = self
        copy.start = start
        copy.end = end
        return copy
    }

    /// Pixel of a value.
    public func callAsFunction(_ value: Double) -> Double {
        let fraction: Double
        switch kind {
        case .logarithmic:
            fraction = log(value / domain.lowerBound) / log(domain.upperBound / domain.lowerBound)
        case .symmetricLogarithmic:
            let (low, high) = (asinh(domain.lowerBound / linearWithin), asinh(domain.upperBound / linearWithin))
            fraction = (asinh(value / linearWithin) - low) / (high - low)
        case .linear, .band:
            fraction = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        }
        return start + fraction * (end - start)
    }

    /// Place of a name among the bands.
    public func index(of name: String) -> Int? { indexOfName[name] }

    /// Pixels that one unit, or one band, takes.
    public var unitLength: Double {
        abs(end - start) / max(domain.upperBound - domain.lowerBound, .leastNormalMagnitude)
    }

    func ticks(count: Int, integersOnly: Bool) -> [Tick] {
        switch kind {
        case .linear: Ticks.linear(domain, count: count, integersOnly: integersOnly)
        case .logarithmic: Ticks.logarithmic(domain, count: count)
        case .symmetricLogarithmic: Ticks.symmetricLogarithmic(domain, linearWithin: linearWithin, count: count)
        case .band: names.enumerated().map { Tick(value: Double($0), label: $1) }
        }
    }

    private static func padded(_ numbers: [Double], axis: Axis) -> ClosedRange<Double> {
        var low = numbers.min() ?? 0
        var high = numbers.max() ?? 1
        if axis.kind == .logarithmic {
            guard low > 0 else { return 1...10 }
            if high / low < 1.5 { (low, high) = (low / 1.5, high * 1.5) }
            let margin = pow(high / low, 0.05)
            return (low / margin)...(high * margin)
        }
        if axis.kind == .symmetricLogarithmic {
            if low == high { (low, high) = (low - axis.linearWithin, high + axis.linearWithin) }
            let (bottom, top) = (asinh(low / axis.linearWithin), asinh(high / axis.linearWithin))
            let margin = (top - bottom) * 0.04
            return (sinh(bottom - margin) * axis.linearWithin)...(sinh(top + margin) * axis.linearWithin)
        }
        if axis.includesZero { (low, high) = (min(low, 0), max(high, 0)) }
        if low == high { (low, high) = low == 0 ? (0, 1) : (low - abs(low) / 2, high + abs(high) / 2) }
        let margin = (high - low) * 0.04
        let keepsLow = axis.includesZero && low == 0
        let keepsHigh = axis.includesZero && high == 0
        return (keepsLow ? low : low - margin)...(keepsHigh ? high : high + margin)
    }
}
