/// Sums over pairs of a reference value and its approximation, from which every error metric is computed.
///
/// A reference that is NaN or infinite is left out and counted. An approximation
/// that is not finite where its reference is makes the sums NaN or infinite: the
/// scheme lost that value, and the metric says so.
public struct Deviation: Sendable, Equatable {
    /// Pairs compared: those whose reference is finite.
    public internal(set) var elements = 0
    /// Of these, pairs whose reference counts as zero; they have no relative error.
    public internal(set) var zeroReferences = 0
    /// Pairs left out because the reference is NaN or infinite.
    public internal(set) var nonfiniteReferences = 0
    /// Σ |x' − x| / |x| over references that do not count as zero.
    public internal(set) var relativeSum = 0.0
    /// Σ (x' − x)².
    public internal(set) var squaredError = 0.0
    /// Σ x².
    public internal(set) var squaredReference = 0.0
    /// Attention entries below `AttentionSparsity.threshold` of their row's maximum; counted for reference scores only.
    public internal(set) var negligible = 0

    public init() {}

    /// Pairs that have a relative error.
    public var relativeElements: Int { elements - zeroReferences }

    /// True if nothing differs: the zero control.
    public var isExact: Bool { squaredError == 0 && relativeSum == 0 }

    /// Adds what another one has seen.
    public mutating func merge(_ other: Deviation) {
        elements += other.elements
        zeroReferences += other.zeroReferences
        nonfiniteReferences += other.nonfiniteReferences
        relativeSum += other.relativeSum
        squaredError += other.squaredError
        squaredReference += other.squaredReference
        negligible += other.negligible
    }
}
