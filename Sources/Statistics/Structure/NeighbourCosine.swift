/// Mean cosine of neighbouring tokens' vectors, each less a centre.
///
/// Vectors are handed in token by token; a vector with NaN or infinity, as the start of a sequence, has no neighbour
/// before it. Sums are in float64 and in the order of tokens, the same for any split of the input.
public struct NeighbourCosine: Sendable {
    private let centre: [Double]
    private var previous: [Double]
    private var current: [Double]
    private var previousNorm: Double?
    private var pairs = 0
    private var sum = 0.0

    /// - Parameter centre: one number a channel: zeros for cosines as they are, the mean vector for centred ones.
    public init(centre: [Double]) {
        self.centre = centre
        previous = centre
        current = centre
    }

    /// What comes next is no neighbour of what came last.
    public mutating func beginSequence() { previousNorm = nil }

    /// Adds the next token's vector.
    public mutating func add(_ vector: UnsafePointer<Float>) {
        var (square, product) = (0.0, 0.0)
        for channel in centre.indices {
            let value = Double(vector[channel]) - centre[channel]
            square += value * value
            product += value * previous[channel]
            current[channel] = value
        }
        guard square.isFinite else {
            previousNorm = nil
            return
        }
        let norm = square.squareRoot()
        if let previousNorm, norm > 0, previousNorm > 0 {
            pairs += 1
            sum += product / (norm * previousNorm)
        }
        previousNorm = norm
        swap(&previous, &current)
    }

    /// Mean over neighbours of (x_t − c) · (x_{t−1} − c) / (‖x_t − c‖ ‖x_{t−1} − c‖); `nil` without neighbours that
    /// differ from the centre c.
    public var mean: Double? { pairs > 0 ? sum / Double(pairs) : nil }
}
