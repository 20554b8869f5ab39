/// A sketch made ready for questions about ranks: bins in rising order with running counts.
///
/// Bounds are the exact extremes of the recorded elements; no answer lies outside them.
struct RankedSketch: Sendable {
    private let minimum: Double
    private let maximum: Double
    /// Non-empty bins in rising order of value.
    private let bins: [Bin]

    private struct Bin: Sendable {
        var lower: Double
        var upper: Double
        var before: UInt64
        var count: UInt64
    }

    /// - Complexity: O(bins).
    init(_ sketch: QuantileSketch, minimum: Double, maximum: Double) {
        self.minimum = minimum
        self.maximum = maximum
        var bins: [Bin] = []
        var before: UInt64 = 0
        func append(place: Int, isNegative: Bool, count: UInt64) {
            guard count > 0 else { return }
            let near = Self.edges[place]
            // Float32 magnitudes beyond float16's share the last bin, which therefore ends at the extreme.
            let far = place == QuantileSketch.finiteBinsPerSign - 1 ? Double.infinity : Self.edges[place + 1]
            let lower = max(minimum, isNegative ? -far : near)
            let upper = max(lower, min(maximum, isNegative ? -near : far))
            bins.append(Bin(lower: lower, upper: upper, before: before, count: count))
            before += count
        }
        for place in (0..<QuantileSketch.finiteBinsPerSign).reversed() {
            append(place: place, isNegative: true, count: sketch.counts[QuantileSketch.binsPerSign + place])
        }
        for place in 0..<QuantileSketch.finiteBinsPerSign {
            append(place: place, isNegative: false, count: sketch.counts[place])
        }
        self.bins = bins
    }

    /// Elements in all bins.
    var total: Int { bins.last.map { Int($0.before + $0.count) } ?? 0 }

    private static let edges = (0...QuantileSketch.finiteBinsPerSign).map(QuantileSketch.edge)

    /// The element of a rank counted from 1, taken as spread evenly over its bin.
    func element(rank: Int) -> Double? {
        guard rank >= 1, let last = bins.last, UInt64(rank) <= last.before + last.count else { return nil }
        let bin = bins[place { $0.before + $0.count >= UInt64(rank) }]
        let share = (Double(UInt64(rank) - bin.before) - 0.5) / Double(bin.count)
        return bin.lower + share * (bin.upper - bin.lower)
    }

    /// Elements above `threshold`; of the bin it falls in, the part above it, taken as spread evenly.
    func count(above threshold: Double) -> Double {
        guard threshold < maximum, let last = bins.last else { return 0 }
        let total = last.before + last.count
        guard threshold >= minimum else { return Double(total) }
        let bin = bins[place { $0.upper > threshold }]
        let part = threshold <= bin.lower ? 1 : (bin.upper - threshold) / (bin.upper - bin.lower)
        return Double(total - bin.before - bin.count) + part * Double(bin.count)
    }

    /// Elements below `threshold`, as `count(above:)`.
    func count(below threshold: Double) -> Double {
        guard threshold > minimum, let last = bins.last else { return 0 }
        let total = last.before + last.count
        guard threshold <= maximum else { return Double(total) }
        let bin = bins[place { $0.upper >= threshold }]
        let part = threshold <= bin.lower ? 0 : (threshold - bin.lower) / (bin.upper - bin.lower)
        return Double(bin.before) + part * Double(bin.count)
    }

    /// The first bin that satisfies a condition which holds from some bin on; the last bin if none does.
    private func place(where holds: (Bin) -> Bool) -> Int {
        var low = 0
        var high = bins.count - 1
        while low < high {
            let middle = (low + high) / 2
            if holds(bins[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
