import TensorCore

/// Finite elements.
public struct ElementCount: Statistic {
    public let id = "count"
    public let kind = Table.Kind.integer
    public let unit = "element"
    public let definition = "Number of finite elements; all other statistics are over these."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        .integer(distribution.moments.count)
    }
}

/// Elements that order statistics come from.
public struct QuantileElementCount: Statistic {
    public let id = "quantile_elements"
    public let kind = Table.Kind.integer
    public let unit = "element"
    public let definition = """
        Number of finite elements that the quantiles, central_range_share_99 and outlier_share_6sigma come from: all \
        (equal to count) up to \(TokenSample.size) tokens and per token; of more tokens those of \
        \(TokenSample.size) tokens drawn evenly over the capture by a fixed rule.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        .integer(distribution.sampleCount)
    }
}

/// Elements that are NaN or infinite.
public struct NonfiniteCount: Statistic {
    public let id = "nonfinite"
    public let kind = Table.Kind.integer
    public let unit = "element"
    public let definition = "Number of elements that are NaN or infinite, left out of all other statistics."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        .integer(distribution.moments.nonfiniteCount)
    }
}

/// Elements that are NaN.
public struct NaNCount: Statistic {
    public let id = "not_a_number"
    public let kind = Table.Kind.integer
    public let unit = "element"
    public let definition = "Number of NaN among the nonfinite elements."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        .integer(distribution.moments.nanCount)
    }
}
