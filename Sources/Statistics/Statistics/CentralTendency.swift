import TensorCore

/// Σx / n
public struct Mean: Statistic {
    public let id = "mean"
    public let kind = Table.Kind.number
    public let definition = "Arithmetic mean."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        distribution.moments.count > 0 ? .number(distribution.moments.mean) : .missing
    }
}

/// Σ|x| / n
public struct MeanAbsolute: Statistic {
    public let id = "mean_absolute"
    public let kind = Table.Kind.number
    public let definition = "Mean magnitude, Σ|x| / n."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.meanAbsolute)
    }
}

/// √(Σ(x − mean)² / n)
public struct StandardDeviation: Statistic {
    public let id = "standard_deviation"
    public let kind = Table.Kind.number
    public let definition = "Standard deviation of the population, √(Σ(x − mean)² / n)."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.standardDeviation)
    }
}

/// m3 / m2^1.5
public struct Skewness: Statistic {
    public let id = "skewness"
    public let kind = Table.Kind.number
    public let definition = """
        m3 / m2^1.5 with the central moments mk = Σ(x − mean)^k / n: 0 for a symmetric distribution, positive for a \
        longer tail to the right. Missing when all elements are equal.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.skewness)
    }
}

/// m4 / m2² − 3
public struct ExcessKurtosis: Statistic {
    public let id = "excess_kurtosis"
    public let kind = Table.Kind.number
    public let definition = """
        m4 / m2² − 3 with the central moments mk = Σ(x − mean)^k / n: 0 for a Gaussian, larger for heavy tails. \
        Missing when all elements are equal.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.excessKurtosis)
    }
}
