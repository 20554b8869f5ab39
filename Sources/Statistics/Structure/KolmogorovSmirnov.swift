/// How far a set of elements is from a standard normal: Kolmogorov and Smirnov's distance, and the mass in the tails.
///
/// Elements are counted in bins of 1/4096 from −8 to 8, what lies beyond in the outermost, so that sets of any size
/// take half a megabyte and merge exactly.
public struct KolmogorovSmirnov: Sendable, Equatable {
    /// Bound on the error of `distance`: the largest mass that the Gaussian has within a bin.
    public static let distanceError = 0.398942281 / 4096
    /// Where the tails begin: 99.73 % of a Gaussian lie within three standard deviations.
    public static let tailStart = 3.0
    /// What a Gaussian has beyond `tailStart`, in both tails together.
    public static let gaussianTailMass = 2 * StandardNormal.distribution(-tailStart)

    private static let binsPerUnit = 4096
    private static let reach = 8
    private static let cumulative = (1..<2 * reach * binsPerUnit).map {
        StandardNormal.distribution(Double($0) / Double(binsPerUnit) - Double(reach))
    }

    private var counts = [UInt64](repeating: 0, count: 2 * reach * binsPerUnit)
    private var tailCount = 0
    /// Elements added; what was not finite is not among them.
    public private(set) var count = 0

    public init() {}

    /// Adds elements times `scale`; NaN and infinity are passed over.
    public mutating func add(_ values: UnsafePointer<Float>, count added: Int, scale: Float) {
        let last = counts.count - 1
        var (finite, tails) = (0, 0)
        counts.withUnsafeMutableBufferPointer { counts in
            for index in 0..<added {
                let value = values[index] * scale
                guard value.isFinite else { continue }
                finite += 1
                if value.magnitude > Float(Self.tailStart) { tails += 1 }
                // What is negative falls into the first bin, however it is rounded.
                let place = (max(-16, min(16, value)) + Float(Self.reach)) * Float(Self.binsPerUnit)
                counts[max(0, min(last, Int(place)))] += 1
            }
        }
        count += finite
        tailCount += tails
    }

    /// Adds the elements of `other`.
    public mutating func merge(_ other: KolmogorovSmirnov) {
        for bin in counts.indices { counts[bin] += other.counts[bin] }
        tailCount += other.tailCount
        count += other.count
    }

    /// sup |F − Φ| of the share F of elements below x, taken at the edges of bins: at most `distanceError` too small.
    /// `nil` without elements.
    ///
    /// Sources: Kolmogorov (1933), Smirnov (1948).
    public var distance: Double? {
        guard count > 0 else { return nil }
        var (below, distance) = (0, 0.0)
        for (bin, normal) in Self.cumulative.enumerated() {
            below += Int(counts[bin])
            distance = max(distance, abs(Double(below) / Double(count) - normal))
        }
        return distance
    }

    /// Share of the elements with |x| > `tailStart`, exact; `nil` without elements.
    public var tailMass: Double? { count > 0 ? Double(tailCount) / Double(count) : nil }
}
