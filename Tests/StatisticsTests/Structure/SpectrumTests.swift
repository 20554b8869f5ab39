import Kernels
import Statistics
import TensorCore
import Testing

@Suite struct SpectrumTests {
    private func spectrum(_ rows: [[Double]]) -> Spectrum? {
        let flat = rows.flatMap { $0 }
        return Spectrum(
            gram: LinearAlgebra.transposedProduct(flat, flat, rows: rows.count),
            size: rows.first?.count ?? 0
        )
    }

    @Test func twoEqualDirectionsHaveEffectiveRankTwo() throws {
        // Rows along (1, 1, 0, 0) and (1, −1, 0, 0), of equal length.
        let rows = (0..<10).map { [1, $0.isMultiple(of: 2) ? 1.0 : -1, 0, 0] }
        let spectrum = try #require(self.spectrum(rows))
        #expect(abs(try #require(spectrum.effectiveRank) - 2) < 1e-12)
        #expect(abs(try #require(spectrum.stableRank) - 2) < 1e-12)
        #expect(spectrum.components(holding: 0.5) == 1)
        #expect(spectrum.components(holding: 0.9) == 2)
        #expect(spectrum.components(holding: 1) == 2)
        #expect(spectrum.singularValues[2...] == [0, 0])
    }

    @Test(arguments: [1, 2, 7, 33]) func energyIsTheSumOfSquares(channels: Int) throws {
        var generator = SeededGenerator(seed: UInt64(channels))
        let rows = (0..<60).map { _ in (0..<channels).map { _ in generator.nextGaussian() } }
        let spectrum = try #require(self.spectrum(rows))
        let energy = rows.joined().reduce(0) { $0 + $1 * $1 }
        let found = spectrum.singularValues.reduce(0) { $0 + $1 * $1 }
        #expect(abs(found - energy) < 1e-10 * energy)
        #expect(spectrum.singularValues == spectrum.singularValues.sorted(by: >))
        #expect(spectrum.cumulativeEnergyShares.last.map { abs($0 - 1) < 1e-12 } == true)
        let rank = try #require(spectrum.effectiveRank)
        #expect(rank >= 1 - 1e-9 && rank <= Double(channels) + 1e-9)
    }

    @Test func zeroAndNaNAreMissing() throws {
        let zero = try #require(Spectrum(gram: [0, 0, 0, 0], size: 2))
        #expect(zero.effectiveRank == nil && zero.stableRank == nil && zero.components(holding: 0.9) == nil)
        #expect(zero.cumulativeEnergyShares.isEmpty)
        #expect(Spectrum(gram: [.nan], size: 1) == nil)
        #expect(Spectrum(gram: [], size: 0)?.singularValues == [])
    }
}

@Suite struct LinearPredictionTests {
    /// Rows y = 2x₀ − x₁ + 3 and their inputs.
    private func rows(_ count: Int, seed: UInt64, noise: Double) -> (x: [Double], y: [Double]) {
        var generator = SeededGenerator(seed: seed)
        var (x, y): ([Double], [Double]) = ([], [])
        for _ in 0..<count {
            let (a, b) = (10 * generator.nextGaussian(), 10 * generator.nextGaussian())
            x += [a, b]
            y.append(2 * a - b + 3 + noise * generator.nextGaussian())
        }
        return (x, y)
    }

    @Test func whatFollowsLinearlyIsPredicted() throws {
        var prediction = LinearPrediction(inputs: 2, outputs: 1)
        let (learnt, tried) = (rows(500, seed: 1, noise: 0), rows(500, seed: 2, noise: 0))
        prediction.learn(learnt.x, learnt.y, rows: 500)
        prediction.tryOut(tried.x, tried.y, rows: 500)
        // The damping alone keeps it from 0: it takes a thousandth of the inputs' weights, and a tenth of the constant's.
        #expect(try #require(prediction.unexplainedVariance()) < 1e-3)
    }

    @Test func noiseIsNot() throws {
        var prediction = LinearPrediction(inputs: 2, outputs: 1)
        var generator = SeededGenerator(seed: 5)
        let inputs = rows(400, seed: 3, noise: 0).x
        let outputs = (0..<400).map { _ in generator.nextGaussian() }
        prediction.learn(Array(inputs[..<400]), Array(outputs[..<200]), rows: 200)
        prediction.tryOut(Array(inputs[400...]), Array(outputs[200...]), rows: 200)
        #expect(abs(try #require(prediction.unexplainedVariance()) - 1) < 0.1)
    }

    @Test func withoutRowsOrVarianceThereIsNoShare() {
        var prediction = LinearPrediction(inputs: 1, outputs: 1)
        #expect(prediction.unexplainedVariance() == nil)
        prediction.learn([1], [1], rows: 1)
        #expect(prediction.unexplainedVariance() == nil)
        prediction.tryOut([1], [0], rows: 1)
        #expect(prediction.unexplainedVariance() == nil)
        prediction.tryOut([0], [1], rows: 1)
        #expect(prediction.unexplainedVariance() != nil)
        #expect(prediction.learntRows == 1)
        // Two rows of one value have no variance to explain.
        var constant = LinearPrediction(inputs: 1, outputs: 1)
        constant.learn([1, 2], [0.1, 0.1], rows: 2)
        constant.tryOut([3, 4], [0.1, 0.1], rows: 2)
        #expect(constant.unexplainedVariance() == nil)
    }
}
