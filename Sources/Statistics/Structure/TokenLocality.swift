/// How alike neighbouring tokens' vectors are: their cosine, and the variance of their differences.
///
/// Vectors are handed in token by token; a vector with NaN or infinity, as the start of a sequence, has no neighbour
/// before it. Sums are in float64 and in the order of tokens, the same for any split of the input.
public struct TokenLocality: Sendable {
    public let channels: Int
    private var previous: [Double] = []
    private var cosine: NeighbourCosine
    private var vectors: ChannelVariances
    private var differences: ChannelVariances

    public init(channels: Int) {
        self.channels = channels
        cosine = NeighbourCosine(centre: [Double](repeating: 0, count: channels))
        vectors = ChannelVariances(channels: channels)
        differences = vectors
    }

    /// What comes next is no neighbour of what came last.
    public mutating func beginSequence() {
        previous = []
        cosine.beginSequence()
    }

    /// Adds the next token's vector.
    public mutating func add(_ vector: UnsafePointer<Float>) {
        cosine.add(vector)
        let next = (0..<channels).map { Double(vector[$0]) }
        guard next.allSatisfy({ $0.isFinite }) else {
            previous = []
            return
        }
        vectors.add(next)
        if !previous.isEmpty { differences.add(zip(next, previous).map { $0 - $1 }) }
        previous = next
    }

    /// Mean over neighbours of x_t · x_{t−1} / (‖x_t‖ ‖x_{t−1}‖); `nil` without neighbours that are not zero.
    ///
    /// A mean vector that all tokens share makes this large by itself; `NeighbourCosine` about `means` is without it.
    public var neighbourCosine: Double? { cosine.mean }

    /// Mean of each channel over the finite vectors; empty without any.
    public var means: [Double] { vectors.means }

    /// Σ over channels of the variance of x_t − x_{t−1}, over the same of x: 2 for independent tokens, less for a signal
    /// that changes slowly; `nil` without neighbours, or where no channel varies.
    public var deltaVarianceRatio: Double? {
        guard differences.count > 0 else { return nil }
        let whole = vectors.total
        return whole > 0 ? differences.total / whole : nil
    }
}
