import Statistics
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct ShannonEntropyTests {
    @Test func entropyIsThatOfFrequencies() throws {
        #expect(ShannonEntropy.bits([5, 5, 5, 5]) == 2)
        #expect(ShannonEntropy.bits([7, 0, 0]) == 0)
        #expect(ShannonEntropy.bits([0, 0]) == nil)
        #expect(ShannonEntropy.bits([]) == nil)
        let uneven = try #require(ShannonEntropy.bits([3, 1]))
        #expect(abs(uneven - (2 - 0.75 * log2(3))) < 1e-15)
    }
}

@Suite struct TileImbalanceTests {
    private func imbalance(_ tile: [Float], rows: Int, columns: Int, stride: Int) -> TileImbalance? {
        tile.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.flatMap { TileImbalance($0, rows: rows, columns: columns, stride: stride) }
        }
    }

    private func deviation(_ values: [Float]) -> Double {
        let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        return (values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)).squareRoot()
    }

    @Test(arguments: [(2, 2), (3, 17), (33, 5), (64, 64)]) func ratiosAreThoseOfDeviations(rows: Int, columns: Int)
        throws
    {
        var generator = SeededGenerator(seed: UInt64(rows * 100 + columns))
        let stride = columns + 3
        let tile = (0..<rows * stride).map { Float(generator.nextGaussian() * (1 + Double($0 % stride))) }
        let found = try #require(imbalance(tile, rows: rows, columns: columns, stride: stride))
        let ofRows = (0..<rows).map { deviation(Array(tile[$0 * stride..<$0 * stride + columns])) }
        let ofColumns = (0..<columns).map { column in deviation((0..<rows).map { tile[$0 * stride + column] }) }
        let rowRatio = try #require(ofRows.max()) / (try #require(ofRows.min()))
        let columnRatio = try #require(ofColumns.max()) / (try #require(ofColumns.min()))
        #expect(abs(found.rows - rowRatio) < 1e-9 * rowRatio)
        #expect(abs(found.columns - columnRatio) < 1e-9 * columnRatio)
        #expect(found.sum == found.rows + found.columns)
    }

    @Test func whatHasNoRatioIsMissing() {
        #expect(imbalance([1, 2, 1, 2], rows: 2, columns: 2, stride: 2) == nil)
        #expect(imbalance([1, 2, 3, .nan], rows: 2, columns: 2, stride: 2) == nil)
        #expect(imbalance([1, 2, 3, .infinity], rows: 2, columns: 2, stride: 2) == nil)
        #expect(imbalance([1, 2], rows: 1, columns: 2, stride: 2) == nil)
        #expect(imbalance([1, 2], rows: 2, columns: 1, stride: 1) == nil)
    }
}

@Suite struct TokenLocalityTests {
    private func locality(_ rows: [[Float]], channels: Int) -> TokenLocality {
        var locality = TokenLocality(channels: channels)
        for row in rows { row.withUnsafeBufferPointer { if let base = $0.baseAddress { locality.add(base) } } }
        return locality
    }

    @Test func slowSignalsAreAlikeAndIndependentOnesAreNot() throws {
        var generator = SeededGenerator(seed: 1)
        let independent = (0..<4000).map { _ in (0..<4).map { _ in Float(generator.nextGaussian()) } }
        let apart = locality(independent, channels: 4)
        // Standard errors are 1/√(4 · 4000) and about as much.
        #expect(abs(try #require(apart.neighbourCosine)) < 0.05)
        #expect(abs(try #require(apart.deltaVarianceRatio) - 2) < 0.1)
        let slow = (0..<4000).map { token in (0..<4).map { Float(sin(Double(token) / 50 + Double($0))) } }
        let near = locality(slow, channels: 4)
        #expect(try #require(near.neighbourCosine) > 0.99)
        #expect(try #require(near.deltaVarianceRatio) < 0.001)
    }

    /// A mean of 1000 beside a deviation of 1 costs no digits.
    @Test func aLargeMeanCostsNoDigits() throws {
        var generator = SeededGenerator(seed: 2)
        let plain = (0..<500).map { _ in [Float(Int(generator.nextGaussian() * 64)) / 64] }
        let shifted = plain.map { [$0[0] + 1000] }
        let expected = try #require(locality(plain, channels: 1).deltaVarianceRatio)
        #expect(abs(try #require(locality(shifted, channels: 1).deltaVarianceRatio) - expected) < 1e-12)
    }

    @Test func aCentreIsTakenOff() throws {
        let rows: [[Float]] = [[3, 4], [5, 6], [.nan, 0], [3, 5], [4, 4], [4, 5]]
        func mean(_ centre: [Double]) -> Double? {
            var cosine = NeighbourCosine(centre: centre)
            for row in rows { row.withUnsafeBufferPointer { if let base = $0.baseAddress { cosine.add(base) } } }
            return cosine.mean
        }
        // About (4, 5): (−1, −1)·(1, 1), then (−1, 0)·(0, −1); the last vector is the centre and has no direction.
        #expect(abs(try #require(mean([4, 5])) + 0.5) < 1e-15)
        let plain = [39 / (5 * 61.0.squareRoot()), 32 / (34 * 32.0).squareRoot(), 36 / (32 * 41.0).squareRoot()]
        #expect(abs(try #require(mean([0, 0])) - plain.reduce(0, +) / 3) < 1e-15)
        #expect(NeighbourCosine(centre: []).mean == nil)
    }

    @Test func missingNeighboursAreMissing() {
        #expect(locality([], channels: 2).neighbourCosine == nil)
        #expect(locality([[1, 2]], channels: 2).deltaVarianceRatio == nil)
        #expect(locality([[1, 2], [.nan, 1], [3, 4]], channels: 2).neighbourCosine == nil)
        #expect(locality([[1, 1], [1, 1]], channels: 2).deltaVarianceRatio == nil)
        #expect(locality([[0, 0], [1, 1]], channels: 2).neighbourCosine == nil)
        var two = TokenLocality(channels: 1)
        for value in [Float(1), 2] {
            two.beginSequence()
            withUnsafePointer(to: value) { two.add($0) }
        }
        #expect(two.neighbourCosine == nil)
    }
}

@Suite struct AttentionRowTests {
    private func row(_ weights: [Float], first: Int = 2, recent: Int = 2, held: Double = 0.9) -> AttentionRow? {
        weights.withUnsafeBufferPointer {
            AttentionRow($0, negligible: 0.01, first: first, recent: recent, holding: held)
        }
    }

    @Test func evenAttentionHasTheLogarithmAsEntropy() throws {
        let even = try #require(row([Float](repeating: 0.125, count: 8)))
        #expect(abs(even.entropy - log(8)) < 1e-12)
        #expect(even.sparsity == 0)
        #expect(even.firstShare == 0.25 && even.recentShare == 0.25)
        #expect(even.tokenShare == 1)
    }

    @Test func oneTokenTakesAll() throws {
        let sink = try #require(row([1, 0, 0, 0]))
        #expect(sink == (try #require(row([1, 0, 0, 0]))))
        #expect(sink.entropy == 0 && sink.sparsity == 0.75)
        #expect(sink.firstShare == 1 && sink.recentShare == 0 && sink.tokenShare == 0.25)
    }

    @Test func fewTokensHoldMostOfTheWeight() throws {
        let mixed = try #require(row([0.5, 0.004, 0.25, 0.125, 0.121]))
        #expect(mixed.sparsity == 0.2)
        // 0.5 + 0.25 + 0.125 = 0.875 of 1: the fourth is needed.
        #expect(mixed.tokenShare == 0.8)
        #expect(abs(mixed.recentShare - 0.246) < 1e-6)
        #expect(try #require(row([0.7, 0.3], first: 4, recent: 64)).recentShare == 1)
    }

    @Test func nothingOrNaNIsMissing() {
        #expect(row([]) == nil)
        #expect(row([0, 0]) == nil)
        #expect(row([0.5, .nan]) == nil)
        #expect(row([0.5, .infinity]) == nil)
    }
}
