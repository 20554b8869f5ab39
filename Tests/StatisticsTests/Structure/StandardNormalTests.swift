import Foundation
import Statistics
import TensorCore
import Testing

@Suite struct StandardNormalTests {
    private struct Golden: Decodable {
        let probabilities: [Double]
        let quantiles: [Double]

        enum CodingKeys: String, CodingKey {
            case probabilities
            case quantiles = "normal_quantiles"
        }
    }

    /// `Tests/Fixtures/statistics/make_structure_golden.py` made the numbers, with scipy.
    @Test func quantilesAreThoseOfScipy() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/statistics/structure.json").standardized
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        for (probability, expected) in zip(golden.probabilities, golden.quantiles) {
            #expect(abs(StandardNormal.quantile(probability) - expected) < 1e-12, "\(probability)")
        }
    }

    @Test(arguments: [1e-300, 1e-100, 1e-12, 0x1p-14, 0.02, 0.3, 0.5])
    func quantilesInvertTheDistribution(probability: Double) {
        let x = StandardNormal.quantile(probability)
        #expect(abs(StandardNormal.distribution(x) / probability - 1) < 1e-11 * max(1, x * x))
        #expect(StandardNormal.distribution(0) == 0.5)
    }
}

@Suite struct KolmogorovSmirnovTests {
    /// The definition, on sorted elements.
    private func direct(_ values: [Float]) -> Double {
        let sorted = values.map(Double.init).sorted()
        let n = Double(sorted.count)
        return sorted.enumerated().reduce(0) { distance, element in
            let normal = StandardNormal.distribution(element.element)
            let (below, upTo) = (Double(element.offset) / n, Double(element.offset + 1) / n)
            return max(distance, normal - below, upTo - normal)
        }
    }

    private func added(_ values: [Float], scale: Float = 1) -> KolmogorovSmirnov {
        var result = KolmogorovSmirnov()
        values.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            result.add(base, count: $0.count, scale: scale)
        }
        return result
    }

    @Test(arguments: Array(1...33) + [4000]) func distanceIsThatOfTheDefinition(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let values = (0..<count).map { _ in Float(generator.nextGaussian() * 1.5 + 0.2) }
        let distance = try #require(added(values).distance)
        let expected = direct(values)
        // Seen at edges only, it may be too small, by one bin's mass and its elements; never too large.
        #expect(distance <= expected + 1e-9)
        #expect(expected - distance <= KolmogorovSmirnov.distanceError + 1.0 / Double(count))
    }

    @Test func gaussianElementsAreNearAndOthersFar() throws {
        var generator = SeededGenerator(seed: 7)
        let values = (0..<100_000).map { _ in Float(generator.nextGaussian()) }
        // Kolmogorov's 0.1 % point is 1.95 / √n.
        #expect(try #require(added(values).distance) < 1.95 / 100_000.0.squareRoot())
        #expect(abs(try #require(added(values).tailMass) - KolmogorovSmirnov.gaussianTailMass) < 0.001)
        let signs = values.map { $0 < 0 ? Float(-1) : 1 }
        #expect(abs(try #require(added(signs).distance) - (StandardNormal.distribution(1) - 0.5)) < 0.01)
        #expect(added(signs, scale: 4).tailMass == 1)
    }

    @Test func nothingFiniteIsMissingAndTheRestCounts() {
        #expect(KolmogorovSmirnov().distance == nil)
        #expect(added([.nan, .infinity, -.infinity]).tailMass == nil)
        let mixed = added([.nan, 5, 0, 1e30, -1e30])
        #expect(mixed.count == 4)
        #expect(mixed.tailMass == 0.75)
    }

    @Test func mergingIsAdding() {
        var generator = SeededGenerator(seed: 3)
        let values = (0..<200).map { _ in Float(generator.nextGaussian()) }
        var merged = added(Array(values[..<77]))
        merged.merge(added(Array(values[77...])))
        #expect(merged == added(values))
    }
}
