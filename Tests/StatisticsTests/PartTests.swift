import Kernels
import Statistics
import TensorCore
import Testing

/// Parts of a tensor, and summaries of several captures, put together.
@Suite struct PartTests {
    private let heads = 2
    private let headDim = 9
    private let tokens = 3 * TensorAccumulator.blockTokens + 700

    private func slab() -> [UInt16] {
        var generator = SeededGenerator(seed: 78)
        var values = (0..<tokens * heads * headDim).map { index in
            Float(generator.nextGaussian()) * (index % 18 == 3 ? 40 : 1) + (index % 18 == 5 ? 200 : 0)
        }
        (values[4], values[100_000], values[200_000]) = (.nan, .infinity, -.infinity)
        return HalfConversion.toHalf(values)
    }

    private func part(_ slab: [UInt16], _ range: Range<Int>) -> TensorAccumulator {
        var accumulator = TensorAccumulator(
            heads: heads,
            headDim: headDim,
            firstToken: range.lowerBound,
            sample: TokenSample(tokens: tokens)
        )
        slab[range.lowerBound * 18..<range.upperBound * 18].withUnsafeBufferPointer { accumulator.append(half: $0) }
        return accumulator
    }

    private func merged(_ slab: [UInt16], _ ranges: [Range<Int>]) -> TensorSummary {
        var whole = part(slab, ranges[0])
        for range in ranges.dropFirst() { whole.merge(part(slab, range)) }
        return whole.finish()
    }

    private func rows(_ summary: TensorSummary) -> [[Table.Value]] {
        [Grain.channel, .head, .layer].flatMap { StatisticsTable.rows($0, of: summary, layer: 0, tensor: "key") }
            + HistogramTable.rows(of: summary, layer: 0, tensor: "key")
    }

    @Test func partsOfWholeBlocksGiveTheSameBitsInAnyOrder() {
        let slab = slab(), size = TensorAccumulator.blockTokens
        let whole = rows(part(slab, 0..<tokens).finish())
        let blocks = [0..<size, size..<2 * size, 2 * size..<3 * size, 3 * size..<tokens]
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            #expect(rows(merged(slab, order.map { blocks[$0] })) == whole, "\(order)")
        }
        #expect(rows(merged(slab, [size..<3 * size, 0..<size, 3 * size..<tokens])) == whole)
        #expect(rows(merged(slab, [3 * size..<tokens, 0..<3 * size])) == whole)
    }

    @Test func partsCutElsewhereAgreeToRounding() {
        let slab = slab()
        let whole = part(slab, 0..<tokens).finish(), cut = merged(slab, [0..<5000, 5000..<5001, 5001..<tokens])
        #expect(cut.tokens == tokens)
        for head in 0..<heads {
            for channel in 0..<headDim {
                let (a, b) = (
                    whole.channel(head: head, channel: channel), cut.channel(head: head, channel: channel)
                )
                #expect(a.moments.count == b.moments.count && a.moments.minimum == b.moments.minimum)
                #expect(a.moments.nonfiniteCount == b.moments.nonfiniteCount)
                #expect(a.quantile(0.01) == b.quantile(0.01))
                #expect(a.count(magnitudeAtLeast: 6) == b.count(magnitudeAtLeast: 6))
                // Other elements are summed about other shifts, in float32 within 64 tokens.
                #expect(isClose(a.moments.standardDeviation, b.moments.standardDeviation, relative: promisedError))
                #expect(isClose(a.moments.excessKurtosis, b.moments.excessKurtosis, relative: promisedError, floor: 3))
            }
        }
    }

    @Test func countsOfLargeElementsAreExactOfASampleToo() {
        let slab = slab(), floats = HalfConversion.toFloat(slab)
        #expect(!TokenSample(tokens: tokens).isComplete)
        let summary = part(slab, 0..<tokens).finish()
        for channel in 0..<18 {
            let column = (0..<tokens).map { floats[$0 * 18 + channel].magnitude }
            let found = summary.channel(head: channel / headDim, channel: channel % headDim)
            for threshold in CentralMoments.magnitudes {
                let expected = column.count { $0 >= Float(threshold) && $0.isFinite }
                #expect(found.count(magnitudeAtLeast: threshold) == Double(expected), "\(channel), \(threshold)")
            }
            #expect(found.quantile(0) == found.moments.minimum && found.quantile(1) == found.moments.maximum)
            #expect(found.sampleCount <= TokenSample.size && found.sampleCount > TokenSample.size - 10)
        }
    }

    @Test func summariesOfTwoCapturesMerge() {
        let slab = slab()
        func summary(_ range: Range<Int>) -> TensorSummary {
            var accumulator = TensorAccumulator(heads: heads, headDim: headDim)
            slab[range.lowerBound * 18..<range.upperBound * 18].withUnsafeBufferPointer {
                accumulator.append(half: $0)
            }
            return accumulator.finish()
        }
        let whole = summary(0..<2000)
        var merged = summary(0..<700)
        merged.merge(summary(700..<2000))
        #expect(merged.tokens == 2000 && merged.layerSketch == whole.layerSketch)
        #expect(merged.context.channelAbsoluteMaxima == whole.context.channelAbsoluteMaxima)
        #expect(merged.context.moments.nanCount == 1)
        for head in 0..<heads {
            let (a, b) = (merged.head(head), whole.head(head))
            #expect(a.moments.count == b.moments.count && a.quantile(0.99) == b.quantile(0.99))
            #expect(
                isClose(a.moments.mean, b.moments.mean, relative: promisedError, floor: b.moments.meanAbsolute ?? 0)
            )
            #expect(isClose(a.moments.norm, b.moments.norm, relative: promisedError))
        }
    }

    @Test func theHistogramHoldsEveryElementOnce() {
        let slab = slab()
        var accumulator = TensorAccumulator(heads: heads, headDim: headDim)
        slab[..<(3000 * 18)].withUnsafeBufferPointer { accumulator.append(half: $0) }
        let summary = accumulator.finish()
        var table = HistogramTable.empty()
        HistogramTable.rows(of: summary, layer: 0, tensor: "key").forEach { table.append($0) }
        let values = HalfConversion.toFloat(Array(slab[..<(3000 * 18)])).filter { $0.isFinite }.map { Double($0) }
        var total = 0
        var before = -Double.infinity
        for row in table.rowViews {
            let (lower, upper) = (row.number("lower") ?? .nan, row.number("upper") ?? .nan)
            #expect(lower >= before && upper > lower)
            before = upper
            let expected = values.count { lower >= 0 ? $0 >= lower && $0 < upper : $0 > lower && $0 <= upper }
            // Zero of either sign: −0 lies below 0.
            if lower != 0, upper != 0 { #expect(row.integer("count") == expected, "\(lower) to \(upper)") }
            total += row.integer("count") ?? 0
        }
        #expect(total == values.count)
        #expect(isClose(table.rowViews.last?.number("share_to_upper"), 1, relative: 1e-12))
    }

    @Test func skewnessAndNormsAreTheDefinitions() {
        for values in SampleInputs.lengths + [SampleInputs.gaussian(600, seed: 3).map { $0 * $0 - 4 }] {
            let reference = ReferenceStatistics(values), moments = TensorSummary.single(values).context.moments
            let n = Double(values.count)
            let squares = reference.finite.reduce(0) { $0 + $1 * $1 }
            #expect(isClose(moments.norm, squares.squareRoot(), relative: promisedError))
            #expect(isClose(moments.rootMeanSquare, (squares / n).squareRoot(), relative: promisedError))
            let second = reference.centralSum(2) / n
            let expected = second > 0 ? reference.centralSum(3) / n / (second * second.squareRoot()) : nil
            #expect(isClose(moments.skewness, expected, relative: promisedError, floor: 1))
        }
        let constant = TensorSummary.single([Float](repeating: 0.3, count: 700)).context.moments
        #expect(constant.skewness == nil && isClose(constant.rootMeanSquare, Double(Float(0.3)), relative: 1e-12))
        #expect(TensorSummary.single([.nan]).context.moments.norm == nil)
    }
}
