import TensorCore

/// Elements far from the mean of the layer's tensor.
public struct SixSigmaShare: Statistic {
    public let id = "outlier_share_6sigma"
    public let kind = Table.Kind.number
    public let definition = """
        Share of the elements with |x − m| > 6 s, where m and s are mean and standard deviation of the layer's whole \
        tensor (all heads, tokens and channels). Exact per token; elsewhere elements in the histogram's bin that \
        holds the threshold count in proportion, which moves the threshold by at most 1/32 of its magnitude. Beyond \
        \(TokenSample.size) tokens from a sample of these (see quantile_elements): the share s is then off by a \
        standard deviation of at most √(s / \(TokenSample.size)) for a channel.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        guard distribution.moments.count > 0, let deviation = tensor.moments.standardDeviation else { return .missing }
        let (center, reach) = (tensor.moments.mean, 6 * deviation)
        let outside = distribution.count(above: center + reach) + distribution.count(below: center - reach)
        return .number(outside / Double(distribution.moments.count))
    }
}

/// Elements of at least a fixed magnitude.
public struct MagnitudeShare: Statistic {
    public let id: String
    public let kind = Table.Kind.number
    public let threshold: Double
    /// Whose rule it is.
    public let source: String

    public init(threshold: Double, id: String, source: String) {
        self.threshold = threshold
        self.id = id
        self.source = source
    }

    public var definition: String {
        let isCounted = CentralMoments.magnitudes.contains(threshold)
        return "Share of the elements with |x| ≥ \(threshold), \(source)" + (isCounted ? "; exact." : ".")
    }

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        let count = distribution.moments.count
        guard count > 0 else { return .missing }
        return .number(distribution.count(magnitudeAtLeast: threshold) / Double(count))
    }
}

/// Channels whose magnitude stands out from the median channel's.
public struct OutlierChannelCount: Statistic {
    public let kind = Table.Kind.integer
    public let unit = "channel"
    public let grains: Set<Grain> = [.head, .layer]
    public let multiple: Int

    public init(multiple: Int) { self.multiple = multiple }

    public var id: String { "outlier_channels_\(multiple)x" }

    public var definition: String {
        """
        Number of channels whose max |x| is more than \(multiple) times the median, over all head · channels of \
        the layer's tensor, of the channel's max |x|.
        """
    }

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        let ratios = tensor.channelAbsoluteMaxima.compactMap { tensor.ratioToMedianChannel($0) }
        return .integer(ratios.count { $0 > Double(multiple) })
    }
}
