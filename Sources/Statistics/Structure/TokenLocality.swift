/// How alike neighbouring tokens' vectors are: their cosine, and the variance of their differences.
///
/// Vectors are handed in token by token; a vector with NaN or infinity, as the start of a sequence, has no neighbour
/// before it. Sums are in float64 and in the order of tokens, the same for any split of the input.
public struct TokenLocality: Sendable {
    public let channels: Int
    private var previous: [Double] = []
    private var previousNorm = 0.0
    private var pairs = 0
    private var cosines = 0
    private var cosineSum = 0.0
    private var vectors = 0
    /// Σx and Σx² of each channel, less a first vector's values so that a large mean costs no digits.
    private var shift: [Double] = []
    private var sums: [Double]
    private var squares: [Double]
    private var differenceSums: [Double]
    private var differenceSquares: [Double]

    public init(channels: Int) {
        self.channels = channels
        sums = [Double](repeating: 0, count: channels)
        (squares, differenceSums, differenceSquares) = (sums, sums, sums)
    }

    /// What comes next is no neighbour of what came last.
    public mutating func beginSequence() { previous = [] }

    /// Adds the next token's vector.
    public mutating func add(_ vector: UnsafePointer<Float>) {
        let next = (0..<channels).map { Double(vector[$0]) }
        let norm = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm.isFinite else {
            previous = []
            return
        }
        if shift.isEmpty { shift = next }
        vectors += 1
        for channel in 0..<channels {
            let distance = next[channel] - shift[channel]
            sums[channel] += distance
            squares[channel] += distance * distance
        }
        if !previous.isEmpty {
            pairs += 1
            var product = 0.0
            for channel in 0..<channels {
                let difference = next[channel] - previous[channel]
                product += next[channel] * previous[channel]
                differenceSums[channel] += difference
                differenceSquares[channel] += difference * difference
            }
            if norm > 0, previousNorm > 0 {
                cosines += 1
                cosineSum += product / (norm * previousNorm)
            }
        }
        (previous, previousNorm) = (next, norm)
    }

    /// Mean over neighbours of x_t · x_{t−1} / (‖x_t‖ ‖x_{t−1}‖); `nil` without neighbours that are not zero.
    public var neighbourCosine: Double? { cosines > 0 ? cosineSum / Double(cosines) : nil }

    /// Σ over channels of the variance of x_t − x_{t−1}, over the same of x: 2 for independent tokens, less for a signal
    /// that changes slowly; `nil` without neighbours, or where no channel varies.
    public var deltaVarianceRatio: Double? {
        func variance(_ sums: [Double], _ squares: [Double], _ count: Int) -> Double {
            let n = Double(count)
            return zip(sums, squares).reduce(0) { $0 + max(0, $1.1 / n - $1.0 / n * ($1.0 / n)) }
        }
        guard pairs > 0 else { return nil }
        let whole = variance(sums, squares, vectors)
        return whole > 0 ? variance(differenceSums, differenceSquares, pairs) / whole : nil
    }
}
