import Foundation

/// What was found of one cache at all scored positions.
struct QualityResult {
    private(set) var comparisons: [(position: Int, comparison: TokenComparison)] = []
    let positions: Int

    init(positions: Int) { self.positions = positions }

    mutating func add(_ comparison: TokenComparison, at position: Int) {
        comparisons.append((position, comparison))
    }

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
struct QualitySummary {
    let tokens: Int
    /// Mean of −ln p(right token), nats.
    let meanLoss: Double
    let meanDivergence: Double
    private let divergences: [Double]
    /// Share of positions where both find the same token the likeliest.
    let agreement: Double
    let meanProbabilityChange: Double
    /// Root of the mean square.
    let probabilityChangeSpread: Double

    init(_ comparisons: some Sequence<TokenComparison>) {
        var loss = 0.0, divergence = 0.0, agreed = 0, change = 0.0, squares = 0.0
        var all: [Double] = []
        for comparison in comparisons {
            loss += comparison.loss
            divergence += comparison.divergence
            agreed += comparison.agrees ? 1 : 0
            change += comparison.probabilityChange
            squares += comparison.probabilityChange * comparison.probabilityChange
            all.append(comparison.divergence)
        }
        tokens = all.count
        let count = Double(max(1, tokens))
        meanLoss = loss / count
        meanDivergence = divergence / count
        agreement = Double(agreed) / count
        meanProbabilityChange = change / count
        probabilityChangeSpread = (squares / count).squareRoot()
        divergences = all.sorted()
    }

    var perplexity: Double { exp(meanLoss) }

    /// The smallest divergence that so large a share of the tokens does not exceed (nearest rank).
    func divergence(quantile: Double) -> Double {
        guard !divergences.isEmpty else { return .nan }
        let rank = Int((quantile * Double(divergences.count)).rounded(.up))
        return divergences[min(max(rank, 1), divergences.count) - 1]
    }

    /// The 95 % interval of the agreement by Wilson's score (1927), as if tokens were independent.
    var agreementInterval: (low: Double, high: Double) {
        guard tokens > 0 else { return (.nan, .nan) }
        let z = 1.959963984540054, n = Double(tokens)
        let centre = agreement + z * z / (2 * n)
        let half = z * (agreement * (1 - agreement) / n + z * z / (4 * n * n)).squareRoot()
        return ((centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n))
    }
}
