import TensorCore

/// The element at a share of the sorted order.
public struct Quantile: Statistic {
    public let id: String
    public let kind = Table.Kind.number
    /// In 0…1.
    public let probability: Double

    public init(probability: Double, id: String) {
        self.probability = probability
        self.id = id
    }

    public var definition: String {
        """
        Smallest element x with at least \(probability) of all elements ≤ x (nearest rank). Exact per token; \
        elsewhere from a histogram, within 1/32 of the element's magnitude. Beyond \(TokenSample.size) tokens from a \
        sample of \(TokenSample.size) (see quantile_elements): of a channel's, head's or layer's quantile the rank is then off by a \
        standard deviation of at most √(p(1 − p) / \(TokenSample.size)) = \(rankError), and by more than 0.018 with a \
        probability below 0.01 (Hoeffding).
        """
    }

    /// With two digits.
    private var rankError: String {
        let error = (probability * (1 - probability) / Double(TokenSample.size)).squareRoot()
        return "\((error * 1e5).rounded() / 1e5)"
    }

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.quantile(probability))
    }
}

/// How much of the range is left when one element in a hundred is set aside (KVQuant, figure 4, at 99 %).
public struct CentralRangeShare: Statistic {
    public let id = "central_range_share_99"
    public let kind = Table.Kind.number
    public let definition = """
        (q(0.995) − q(0.005)) / (max − min): the share of the range that holds the central 99 % of the elements; \
        1 without outliers, near 0 when a few outliers stretch the range. Missing when all elements are equal.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        let range = distribution.moments.maximum - distribution.moments.minimum
        guard distribution.moments.count > 0, range > 0, let high = distribution.quantile(0.995),
            let low = distribution.quantile(0.005)
        else { return .missing }
        return .number((high - low) / range)
    }
}
