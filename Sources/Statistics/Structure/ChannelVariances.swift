/// Variance over tokens of each channel of some vectors, in one pass.
///
/// Sums are of vectors less the first one, so that a large mean costs no digits.
public struct ChannelVariances: Sendable {
    public private(set) var count = 0
    private var shift: [Double] = []
    private var sums: [Double]
    private var squares: [Double]

    public init(channels: Int) {
        sums = [Double](repeating: 0, count: channels)
        squares = sums
    }

    /// Adds a finite vector.
    ///
    /// - Precondition: as many elements as channels.
    public mutating func add(_ vector: some RandomAccessCollection<Double>) {
        precondition(vector.count == sums.count, "\(vector.count) elements of \(sums.count) channels")
        if shift.isEmpty { shift = Array(vector) }
        count += 1
        for (channel, value) in vector.enumerated() {
            let distance = value - shift[channel]
            sums[channel] += distance
            squares[channel] += distance * distance
        }
    }

    /// Mean of each channel; empty without vectors.
    public var means: [Double] { zip(shift, sums).map { $0 + $1 / Double(count) } }

    /// Σ over channels of the variance, divided by n; 0 without vectors.
    public var total: Double {
        let n = Double(max(1, count))
        return zip(sums, squares).reduce(0) { $0 + max(0, $1.1 / n - $1.0 / n * ($1.0 / n)) }
    }
}
