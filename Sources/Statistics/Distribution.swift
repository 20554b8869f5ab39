/// Everything statistics are computed from: the moments of a set of elements and the order of its values.
public struct Distribution: Sendable {
    public let moments: CentralMoments
    private let order: Order

    private enum Order: Sendable {
        case sketch(RankedSketch)
        case sorted([Float])
    }

    /// A large set; quantiles and tail counts carry the sketch's stated error.
    ///
    /// - Parameter sketch: of the same elements, or of a sample of them.
    /// - Complexity: O(bins).
    public init(moments: CentralMoments, sketch: QuantileSketch) {
        self.moments = moments
        order = .sketch(RankedSketch(sketch, minimum: moments.minimum, maximum: moments.maximum))
    }

    /// A small set such as one token of one head; quantiles and tail counts are exact.
    ///
    /// - Parameter values: the elements `moments` describes, in any order; what is not finite is passed over.
    /// - Complexity: O(n log n).
    public init(moments: CentralMoments, values: some Sequence<Float>) {
        self.moments = moments
        order = .sorted(values.filter { $0.isFinite }.sorted())
    }

    init(moments: CentralMoments, sorted values: [Float]) {
        self.moments = moments
        order = .sorted(values)
    }

    /// The smallest element x for which at least `probability` of the finite elements are ≤ x.
    ///
    /// This is the nearest rank, ⌈p·n⌉; numpy calls it `inverted_cdf`.
    ///
    /// - Precondition: 0 ≤ `probability` ≤ 1.
    /// - Returns: `nil` without finite elements.
    public func quantile(_ probability: Double) -> Double? {
        precondition(probability >= 0 && probability <= 1, "quantile at probability \(probability)")
        let elements = sampleCount
        guard elements > 0 else { return nil }
        let rank = min(elements, max(1, Int((probability * Double(elements)).rounded(.up))))
        // The extremes are known exactly, and of all elements.
        if probability == 0 || (rank == 1 && elements == moments.count) { return moments.minimum }
        if probability == 1 || (rank == elements && elements == moments.count) { return moments.maximum }
        switch order {
        case .sketch(let sketch): return sketch.element(rank: rank)
        case .sorted(let values): return Double(values[rank - 1])
        }
    }

    /// Finite elements that quantiles and tail counts come from: all of them, or those of a sample of the tokens.
    public var sampleCount: Int {
        switch order {
        case .sketch(let sketch): sketch.total
        case .sorted(let values): values.count
        }
    }

    /// What a count in the sample stands for among all elements.
    private var weight: Double { sampleCount > 0 ? Double(moments.count) / Double(sampleCount) : 0 }

    /// Elements above `threshold`; of a sample, as many as its share stands for.
    public func count(above threshold: Double) -> Double {
        switch order {
        case .sketch(let sketch): weight * sketch.count(above: threshold)
        case .sorted(let values): Double(values.count - values.firstPlace { Double($0) > threshold })
        }
    }

    /// Elements below `threshold`, as `count(above:)`.
    public func count(below threshold: Double) -> Double {
        switch order {
        case .sketch(let sketch): weight * sketch.count(below: threshold)
        case .sorted(let values): Double(values.firstPlace { Double($0) >= threshold })
        }
    }

    /// Elements with |x| ≥ `magnitude`; exact for those of `CentralMoments.magnitudes`, and for any edge of the
    /// sketch's bins if the sketch is of all elements.
    public func count(magnitudeAtLeast magnitude: Double) -> Double {
        guard magnitude > 0 else { return Double(moments.count) }
        return switch order {
        case .sketch(let sketch):
            moments.count(magnitudeAtLeast: magnitude).map { Double($0) }
                ?? weight
                * (2 * Double(sketch.total) - sketch.count(below: magnitude) - sketch.count(above: -magnitude))
        case .sorted(let values):
            Double(
                values.count - values.firstPlace { Double($0) >= magnitude }
                    + values.firstPlace { Double($0) > -magnitude }
            )
        }
    }
}

extension [Float] {
    /// The first place from which `holds` is true on, in a sorted array.
    fileprivate func firstPlace(where holds: (Float) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
