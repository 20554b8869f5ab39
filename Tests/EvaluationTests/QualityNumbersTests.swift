import Evaluation
import Foundation
import Testing

/// Numbers of quality against values worked out by hand.
@Suite struct QualityNumbersTests {
    /// Logits of these probabilities, about some level, which has no part in them.
    private func compare(_ cached: [Double], _ exact: [Double]?, next: Int32) -> TokenComparison {
        let logits = cached.map { Float(log($0) - 7) }
        return compare(logits: logits, exact.map { $0.map { Float(log($0) + 3) } }, next: next)
    }

    private func compare(logits: [Float], _ exact: [Float]?, next: Int32) -> TokenComparison {
        var scratch = logits
        func compare(_ exact: UnsafePointer<Float>?) -> TokenComparison {
            TokenComparison(cached: logits, exact: exact, count: logits.count, next: next, scratch: &scratch)
        }
        return exact.map { compare($0) } ?? compare(nil)
    }

    @Test func divergenceIsOfTheCacheFromFullPrecision() {
        let found = compare([0.1, 0.8, 0.1], [0.5, 0.25, 0.25], next: 1)
        // ½ ln 5 + ¼ ln 0.3125 + ¼ ln 2.5; the other way about it is 0.678.
        #expect(abs(found.divergence - 0.7430039) < 1e-5)
        #expect(abs(found.loss - 0.2231436) < 1e-6)
        #expect(abs(found.probabilityChange - 0.55) < 1e-6)
        #expect(!found.agrees && found.isFinite)
    }

    @Test func equalDistributionsAreAtNoDistance() {
        let found = compare([0.5, 0.25, 0.25], [0.5, 0.25, 0.25], next: 2)
        #expect(found.divergence >= 0 && found.divergence < 1e-6 && found.agrees)
        #expect(abs(found.probabilityChange) < 1e-6)
        #expect(abs(compare([0.5, 0.25, 0.25], nil, next: 2).loss - 1.3862944) < 1e-6)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func aLogitThatIsNotFiniteIsNoDistanceOfZero(_ value: Float) {
        let healthy: [Float] = [1, 2, 3]
        for place in 0..<3 {
            var spoilt = healthy
            spoilt[place] = value
            for found in [
                compare(logits: spoilt, healthy, next: 0), compare(logits: healthy, spoilt, next: 0),
                compare(logits: spoilt, spoilt, next: 0), compare(logits: spoilt, nil, next: 0),
            ] {
                #expect(!found.isFinite && !found.agrees && found.divergence.isNaN && found.loss.isNaN)
            }
        }
    }

    private func comparison(_ divergence: Double, agrees: Bool = true, loss: Double = 1) -> TokenComparison {
        var comparison = TokenComparison()
        (comparison.divergence, comparison.agrees, comparison.loss) = (divergence, agrees, loss)
        comparison.probabilityChange = agrees ? 0.3 : -0.1
        return comparison
    }

    @Test func quantilesAreThoseOfTheNearestRank() {
        let summary = QualitySummary([7, 2, 9, 1, 10, 4, 3, 8, 5, 6].map { comparison($0) })
        let expected = [(0.5, 5.0), (0.51, 6), (0.9, 9), (0.95, 10), (0.99, 10), (1, 10), (0.01, 1)]
        for (quantile, value) in expected { #expect(summary.divergence(quantile: quantile) == value, "\(quantile)") }
        #expect(abs(summary.meanDivergence - 5.5) < 1e-12)
        #expect(QualitySummary([comparison(3)]).divergence(quantile: 0.5) == 3)
    }

    @Test func agreementHasWilsonsInterval() {
        let summary = QualitySummary((0..<10).map { comparison(0, agrees: $0 != 4, loss: Double($0)) })
        #expect(abs(summary.agreement - 0.9) < 1e-12)
        // Of 9 in 10; z = 1.645 would give 0.652 and 0.978.
        #expect(abs(summary.agreementInterval.low - 0.5958500) < 1e-6)
        #expect(abs(summary.agreementInterval.high - 0.9821238) < 1e-6)
        #expect(abs(summary.meanLoss - 4.5) < 1e-12 && abs(summary.perplexity - exp(4.5)) < 1e-9)
        // 9 times 0.3 and once −0.1.
        #expect(abs(summary.meanProbabilityChange - 0.26) < 1e-12)
        #expect(abs(summary.probabilityChangeSpread - (0.082).squareRoot()) < 1e-12)
        let all = QualitySummary((0..<10).map { _ in comparison(0) }).agreementInterval
        #expect(abs(all.low - 0.7224672) < 1e-6 && abs(all.high - 1) < 1e-12)
    }

    @Test func oneTokenThatIsNotFiniteLeavesNoNumber() {
        let spoilt = compare(logits: [.nan, 1], [0, 1], next: 0)
        let summary = QualitySummary((0..<100).map { $0 == 50 ? spoilt : comparison(Double($0)) })
        #expect(summary.tokens == 100 && summary.nonFiniteTokens == 1)
        for number in [
            summary.meanLoss, summary.perplexity, summary.meanDivergence, summary.agreement,
            summary.meanProbabilityChange, summary.probabilityChangeSpread, summary.divergence(quantile: 0.5),
            summary.divergence(quantile: 1), summary.agreementInterval.low, summary.agreementInterval.high,
        ] {
            #expect(number.isNaN)
        }
        #expect(QualitySummary([TokenComparison]()).meanLoss.isNaN)
    }
}
