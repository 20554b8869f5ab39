import Kernels
import Statistics
import TensorCore
import Testing

@Suite(.serialized) struct TensorAccumulatorTests {
    private let heads = 3
    private let headDim = 13

    /// 3 · 13 channels are one strip and a part; 700 tokens are two blocks and a part.
    private func slab(tokens: Int) -> [UInt16] {
        var generator = SeededGenerator(seed: 77)
        var values = (0..<tokens * heads * headDim).map { index in
            Float(generator.nextGaussian()) * (index % (heads * headDim) == 20 ? 40 : 1)
        }
        if values.count > 5000 { (values[4], values[4999], values[5000]) = (.nan, .infinity, -.infinity) }
        return HalfConversion.toHalf(values)
    }

    private func summary(_ slab: [UInt16], pieces: [Int]) -> TensorSummary {
        var accumulator = TensorAccumulator(heads: heads, headDim: headDim)
        var first = 0
        for tokens in pieces {
            let last = first + tokens * heads * headDim
            slab[first..<last].withUnsafeBufferPointer { accumulator.append(half: $0) }
            first = last
        }
        return accumulator.finish()
    }

    /// Every row of every grain but the token's.
    private func rows(_ summary: TensorSummary) -> [[Table.Value]] {
        [Grain.channel, .head, .layer].flatMap { StatisticsTable.rows($0, of: summary, layer: 0, tensor: "key") }
    }

    @Test func anySplitIntoSlabsGivesTheSameBits() {
        let slab = slab(tokens: 700)
        let whole = rows(summary(slab, pieces: [700]))
        for pieces in [[1, 699], [255, 1, 1, 443], [256, 256, 188], [300, 300, 100], [699, 0, 1]] {
            #expect(rows(summary(slab, pieces: pieces)) == whole, "\(pieces)")
        }
        #expect(rows(summary(slab, pieces: [Int](repeating: 7, count: 100))) == whole)
    }

    @Test func anyNumberOfThreadsGivesTheSameBits() {
        let slab = slab(tokens: 700)
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = 1
        let alone = rows(summary(slab, pieces: [700]))
        for threads in [2, 3, 8] {
            Parallel.threadCount = threads
            #expect(rows(summary(slab, pieces: [700])) == alone, "\(threads) threads")
        }
    }

    @Test func float32OfTheSameValuesGivesTheSameBits() {
        let slab = slab(tokens: 300)
        var accumulator = TensorAccumulator(heads: heads, headDim: headDim)
        HalfConversion.toFloat(slab).withUnsafeBufferPointer { accumulator.append(float: $0) }
        #expect(rows(accumulator.finish()) == rows(summary(slab, pieces: [300])))
    }

    @Test func headsAndLayerCountAllTheirElements() {
        let summary = summary(slab(tokens: 700), pieces: [700])
        #expect(summary.tokens == 700)
        #expect(summary.context.moments.count == 700 * 39 - 3)
        #expect(summary.context.moments.nanCount == 1 && summary.context.moments.infinityCount == 2)
        #expect((0..<heads).reduce(0) { $0 + summary.head($1).moments.count } == 700 * 39 - 3)
        #expect(summary.channel(head: 2, channel: 12).moments.count == 700)
    }

    @Test func noTokensAndNoChannelsAreDescribedAsMissing() {
        let empty = summary([], pieces: [])
        #expect(
            StatisticsTable.rows(.layer, of: empty, layer: 3, tensor: "value").first?.prefix(4) == [
                .integer(3), .string("value"), .integer(0), .missing,
            ]
        )
        #expect(StatisticsTable.rows(.channel, of: empty, layer: 0, tensor: "key").count == 39)
        #expect(empty.outlierChannels().isEmpty)
        let narrow = TensorAccumulator(heads: 2, headDim: 0).finish()
        #expect(StatisticsTable.rows(.channel, of: narrow, layer: 0, tensor: "key").isEmpty)
        #expect(StatisticsTable.rows(.head, of: narrow, layer: 0, tensor: "key").count == 2)
    }

    @Test func tokensAreSeenWhereTheyAre() {
        let slab = slab(tokens: 300)
        let floats = HalfConversion.toFloat(slab)
        let seen = slab.withUnsafeBufferPointer {
            TokenDistributions(heads: heads, headDim: headDim).map(half: $0) { ($0, $1, $2.moments, $2.quantile(0.5)) }
        }
        #expect(seen.count == 300 * heads)
        for (index, (token, head, moments, middle)) in seen.enumerated() {
            #expect(token == index / heads && head == index % heads)
            let first = (token * heads + head) * headDim
            let reference = ReferenceStatistics(Array(floats[first..<first + headDim]))
            #expect(middle == reference.nearestRank(0.5))
            #expect(moments.count == reference.finite.count && moments.maximum == reference.finite.max())
            #expect(isClose(moments.mean, reference.mean, relative: promisedError, floor: reference.meanAbsolute))
            // Against m4 / m2², which excess kurtosis is 3 below.
            #expect(
                isClose(
                    moments.excessKurtosis.map { $0 + 3 },
                    reference.excessKurtosis.map { $0 + 3 },
                    relative: promisedError
                )
            )
        }
    }
}
