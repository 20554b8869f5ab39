/// What definitions of outliers need to know of a layer's tensor: a few numbers a channel, from one pass.
///
/// Kept instead of the tensor's summary, whose histograms of all layers together would not fit memory.
public struct TensorExtents: Sendable {
    /// One channel of one head over all tokens.
    public struct Channel: Sendable {
        /// `nil` without finite elements, as are the others.
        public let absoluteMaximum: Double?
        public let minimum: Double?
        public let maximum: Double?
        public let meanAbsolute: Double?
        /// ‖x‖₂ over the tokens.
        public let norm: Double?
        /// Quantiles at (1 − p) / 2 and (1 + p) / 2 for p = `OutlierDefinition.percentile`, within 1/32.
        public let lowQuantile: Double?
        public let highQuantile: Double?
        /// Tokens with |x| ≥ `OutlierDefinition.int8Magnitude`, exact.
        public let tokensOfLargeMagnitude: Int

        init(_ distribution: Distribution) {
            let moments = distribution.moments
            let isEmpty = moments.count == 0
            absoluteMaximum = moments.absoluteMaximum
            minimum = isEmpty ? nil : moments.minimum
            maximum = isEmpty ? nil : moments.maximum
            meanAbsolute = moments.meanAbsolute
            norm = moments.variance.map { (Double(moments.count) * ($0 + moments.mean * moments.mean)).squareRoot() }
            lowQuantile = distribution.quantile((1 - OutlierDefinition.percentile) / 2)
            highQuantile = distribution.quantile((1 + OutlierDefinition.percentile) / 2)
            tokensOfLargeMagnitude = Int(distribution.count(magnitudeAtLeast: OutlierDefinition.int8Magnitude))
        }
    }

    public let heads: Int
    public let headDim: Int
    public let tokens: Int
    /// [head · channel]
    public let channels: [Channel]
    public let mean: Double
    /// `nil` without finite elements.
    public let standardDeviation: Double?
    public let finiteCount: Int
    public let nonfiniteCount: Int
    /// Median over channels of the channel's max |x|.
    public let medianChannelMaximum: Double?
    /// Median of |x| over all elements, within 1/32.
    public let medianMagnitude: Double?

    public init(_ summary: TensorSummary) {
        heads = summary.heads
        headDim = summary.headDim
        tokens = summary.tokens
        channels = (0..<summary.heads).flatMap { head in
            (0..<summary.headDim).map { Channel(summary.channel(head: head, channel: $0)) }
        }
        let layer = summary.layer()
        mean = layer.moments.mean
        standardDeviation = layer.moments.standardDeviation
        finiteCount = layer.moments.count
        nonfiniteCount = layer.moments.nonfiniteCount
        medianChannelMaximum = summary.context.medianChannelAbsoluteMaximum
        medianMagnitude = layer.medianMagnitude()
    }
}

extension Distribution {
    /// The median of |x|: the largest magnitude that half of the elements reach; within the sketch's stated error.
    /// `nil` without finite elements.
    ///
    /// - Complexity: O(log bins) steps of bisection.
    public func medianMagnitude() -> Double? {
        guard let largest = moments.absoluteMaximum else { return nil }
        let half = Double(moments.count) / 2
        var (low, high) = (0.0, largest)
        guard count(magnitudeAtLeast: high) < half else { return high }
        for _ in 0..<64 {
            let middle = (low + high) / 2
            if count(magnitudeAtLeast: middle) >= half { low = middle } else { high = middle }
        }
        return low
    }
}
