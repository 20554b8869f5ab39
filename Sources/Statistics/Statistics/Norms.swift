import TensorCore

/// √(Σx² / n)
public struct RootMeanSquare: Statistic {
    public let id = "root_mean_square"
    public let kind = Table.Kind.number
    public let definition = "Root of the mean square, √(Σx² / n)."

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.rootMeanSquare)
    }
}

/// √(Σx²)
public struct EuclideanNorm: Statistic {
    public let id = "norm"
    public let kind = Table.Kind.number
    public let definition = """
        Euclidean norm, √(Σx²) over the finite elements: of a channel over all tokens, of a token over its channels.
        """

    public init() {}

    public func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value {
        Table.Value(distribution.moments.norm)
    }
}
