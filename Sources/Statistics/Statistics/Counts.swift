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
