import Foundation

/// What was found of one cache at all scored positions.
struct QualityResult {
    private(set) var comparisons: [(position: Int, comparison: TokenComparison)] = []
    let positions: Int

    init(positions: Int) { self.positions = positions }

    mutating func add(_ comparison: TokenComparison, at position: Int) {
        comparisons.append((position, comparison))
    }

    mutating func add(_ other: QualityResult) { comparisons += other.comparisons }

    /// The positions of a window in eight parts.
    var buckets: [Range<Int>] {
        (0..<8).map { positions * $0 / 8..<positions * ($0 + 1) / 8 }.filter { !$0.isEmpty }
    }

    func summary(of bucket: Range<Int>? = nil) -> QualitySummary {
        QualitySummary(
            comparisons.lazy.filter { bucket?.contains($0.position) ?? true }.map { $0.comparison }
        )
    }
}

/// Means and quantiles over tokens.
///
/// One token whose logits are not finite leaves no mean and no quantile of the others: all are NaN, since a number that
/// left it out would be better than what the cache does.
package struct QualitySummary {
    package let tokens: Int
    /// Tokens with a logit that is NaN or infinite.
    package let nonFiniteTokens: Int
    /// Mean of −ln p(right token), nats.
    package let meanLoss: Double
    package let meanDivergence: Double
    private let divergences: [Double]
    /// Share of positions where both find the same token the likeliest.
    package let agreement: Double
    package let meanProbabilityChange: Double
    /// Root of the mean square.
    package let probabilityChangeSpread: Double

    package init(_ comparisons: some Sequence<TokenComparison>) {
        var loss = 0.0, divergence = 0.0, agreed = 0.0, change = 0.0, squares = 0.0
        var all: [Double] = []
        var count = 0
        for comparison in comparisons {
            count += 1
            guard comparison.isFinite else { continue }
            loss += comparison.loss
            divergence += comparison.divergence
            agreed += comparison.agrees ? 1 : 0
            change += comparison.probabilityChange
            squares += comparison.probabilityChange * comparison.probabilityChange
            all.append(comparison.divergence)
        }
        tokens = count
        nonFiniteTokens = count - all.count
        // One number that is none makes a mean that is none.
        let divisor = count > 0 && count == all.count ? Double(count) : .nan
        meanLoss = loss / divisor
        meanDivergence = divergence / divisor
        agreement = agreed / divisor
        meanProbabilityChange = change / divisor
        probabilityChangeSpread = (squares / divisor).squareRoot()
        divergences = count == all.count ? all.sorted() : []
    }

    package var perplexity: Double { exp(meanLoss) }

    /// The smallest divergence that so large a share of the tokens does not exceed (nearest rank).
    package func divergence(quantile: Double) -> Double {
        guard !divergences.isEmpty else { return .nan }
        let rank = Int((quantile * Double(divergences.count)).rounded(.up))
        return divergences[min(max(rank, 1), divergences.count) - 1]
    }

    /// The 95 % interval of the agreement by Wilson's score (1927), as if tokens were independent.
    package var agreementInterval: (low: Double, high: Double) {
        guard !agreement.isNaN else { return (.nan, .nan) }
        let z = 1.959963984540054, n = Double(tokens)
        let centre = agreement + z * z / (2 * n)
        let half = z * (agreement * (1 - agreement) / n + z * z / (4 * n * n)).squareRoot()
        let low = (centre - half) / (1 + z * z / n), high = (centre + half) / (1 + z * z / n)
        // Rounding must not put an end of it beyond what it is about, or beyond a share.
        return (max(0, min(low, agreement)), min(1, max(high, agreement)))
    }
}
