#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where one query looks: numbers read off the weights that it gives the tokens it can see.
public struct AttentionRow: Sendable, Equatable {
    /// −Σ a ln a, in nats: ln n if all n tokens get the same.
    public let entropy: Double
    /// Share of the visible tokens whose weight is below `negligible` times the largest.
    public let sparsity: Double
    /// Weight of the first tokens of the sequence.
    public let firstShare: Double
    /// Weight of the last tokens that are seen, the query's own among them.
    public let recentShare: Double
    /// The fewest tokens that hold the asked share of the weight, over the visible ones.
    public let tokenShare: Double

    /// - Parameters:
    ///   - weights: of the visible tokens, in order; together about 1. Tokens that a window hides are not among them.
    ///   - negligible: part of the largest weight below which a weight counts as none.
    ///   - first: how many of them are first tokens of the sequence.
    ///   - recent: how many are recent, from the end.
    ///   - held: share of the weight that `tokenShare` is about.
    /// - Returns: `nil` for no token, and for weights with NaN or infinity.
    /// - Complexity: O(n log n).
    public init?(
        _ weights: UnsafeBufferPointer<Float>,
        negligible: Float,
        first: Int,
        recent: Int,
        holding held: Double
    ) {
        let count = weights.count
        var (total, entropy, largest) = (0.0, 0.0, Float(0))
        for weight in weights {
            total += Double(weight)
            largest = max(largest, weight)
            if weight > 0 { entropy -= Double(weight) * log(Double(weight)) }
        }
        guard count > 0, total > 0, total.isFinite else { return nil }
        self.entropy = max(0, entropy)
        sparsity = Double(weights.count { $0 < negligible * largest }) / Double(count)
        firstShare = weights.prefix(first).reduce(0) { $0 + Double($1) } / total
        recentShare = weights.suffix(recent).reduce(0) { $0 + Double($1) } / total
        var (sum, needed) = (0.0, 0)
        // As integers: bits of floats that are not negative are in the floats' order, and compare faster.
        for bits in weights.map({ $0.bitPattern }).sorted(by: >) {
            guard sum < held * total else { break }
            sum += Double(Float(bitPattern: bits))
            needed += 1
        }
        tokenShare = Double(needed) / Double(count)
    }
}
