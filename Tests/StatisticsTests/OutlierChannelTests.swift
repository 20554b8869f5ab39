import Statistics
import TensorCore
import Testing

@Suite struct OutlierChannelTests {
    /// One token, so that each channel's absolute maximum is the value given.
    private func summary(_ maxima: [Float], heads: Int = 1) -> TensorSummary {
        var accumulator = TensorAccumulator(heads: heads, headDim: maxima.count / heads)
        maxima.withUnsafeBufferPointer { accumulator.append(float: $0) }
        return accumulator.finish()
    }

    private func layerCount(_ summary: TensorSummary, multiple: Int) -> Table.Value {
        OutlierChannelCount(multiple: multiple).value(of: summary.layer(), in: summary.context)
    }

    @Test func channelsAboveFiveMediansAreRankedAndNamed() {
        let found = summary([1, -1, 1, 5, 1, 1, -12, 5.5], heads: 2).outlierChannels()
        #expect(found.map { $0.head } == [1, 1])
        #expect(found.map { $0.channel } == [2, 3])
        #expect(found.map { $0.ratioToMedian } == [12, 5.5])
        #expect(found.map { $0.rank } == [1, 2])
        #expect(found.allSatisfy { $0.isOutlier })
    }

    @Test func withoutOutliersTheThreeLargestAreShownAsNone() {
        let found = summary([1, 2, 3, 4, 4, 1]).outlierChannels()
        #expect(found.map { $0.channel } == [3, 4, 2])
        #expect(found.allSatisfy { !$0.isOutlier })
        #expect(found.map { $0.ratioToMedian } == [1.6, 1.6, 1.2])
    }

    @Test func theThresholdItselfIsNoOutlier() {
        let summary = summary([1, 1, 1, 5, 10])
        #expect(layerCount(summary, multiple: 5) == .integer(1))
        #expect(layerCount(summary, multiple: 10) == .integer(0))
    }

    @Test func aHeadCountsItsOwnChannelsAgainstTheLayersMedian() {
        let summary = summary([1, 1, 1, 30, 1, 1, 1, 1], heads: 2)
        let count = OutlierChannelCount(multiple: 10)
        #expect(count.value(of: summary.head(0), in: summary.context(ofHead: 0)) == .integer(1))
        #expect(count.value(of: summary.head(1), in: summary.context(ofHead: 1)) == .integer(0))
    }

    @Test func aMedianOfZeroGivesNoRatio() {
        let summary = summary([0, 0, 0, 7])
        #expect(summary.outlierChannels().map { $0.ratioToMedian } == [nil, nil, nil])
        #expect(layerCount(summary, multiple: 5) == .integer(0))
    }

    @Test func fewerThanThreeChannelsAndNothingFiniteAreFine() {
        #expect(summary([2]).outlierChannels().map { $0.ratioToMedian } == [1])
        #expect(summary([.nan, .infinity]).outlierChannels().isEmpty)
    }
}
