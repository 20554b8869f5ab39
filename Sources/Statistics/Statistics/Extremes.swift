import TensorCore

/// min x
public struct Minimum: Statistic {
    public let id = "minimum"
    public let kind = Table.Kind.number
    public let definition = "Smallest element."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        distribution.moments.count > 0 ? .number(distribution.moments.minimum) : .missing
    }
}

/// max x
public struct Maximum: Statistic {
    public let id = "maximum"
    public let kind = Table.Kind.number
    public let definition = "Largest element."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        distribution.moments.count > 0 ? .number(distribution.moments.maximum) : .missing
    }
}

/// max |x|
public struct AbsoluteMaximum: Statistic {
    public let id = "absolute_maximum"
    public let kind = Table.Kind.number
    public let definition = "Largest magnitude, max |x|."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.absoluteMaximum)
    }
}

/// max |x| against the typical channel, the usual measure of an outlier channel.
public struct RangeToMedianChannel: Statistic {
    public let id = "range_to_median_channel"
    public let kind = Table.Kind.number
    public let definition = """
        max |x| divided by the median, over all head · channels of the layer's tensor, of the channel's max |x|; \
        of an even number of channels the median is the mean of the two in the middle. Missing when it is 0.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(tensor.ratioToMedianChannel(distribution.moments.absoluteMaximum))
    }
}

extension TensorContext {
    /// `nil` without finite elements, or when the median channel is all zero.
    func ratioToMedianChannel(_ absoluteMaximum: Double?) -> Double? {
        guard let absoluteMaximum, let median = medianChannelAbsoluteMaximum, median > 0 else { return nil }
        return absoluteMaximum / median
    }
}
