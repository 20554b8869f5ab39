import Benchmarks
import Testing

@Suite struct SampleStatisticsTests {
    @Test(arguments: [([7], 7), ([3, 1], 2), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5)] as [([Double], Double)])
    func theMedianIsTheMiddle(samples: [Double], median: Double) {
        #expect(SampleStatistics.median(samples) == median)
    }

    @Test func quantilesAreInterpolated() {
        let samples = [50.0, 10, 40, 20, 30]
        #expect(SampleStatistics.quantile(0, of: samples) == 10)
        #expect(SampleStatistics.quantile(1, of: samples) == 50)
        #expect(SampleStatistics.quantile(0.25, of: samples) == 20)
        #expect(SampleStatistics.quantile(0.375, of: samples) == 25)
    }

    @Test func theSpreadIsTheMiddleHalfOverTheMedian() {
        #expect(SampleStatistics.spread([10, 20, 30, 40, 50]) == 20.0 / 30)
        #expect(SampleStatistics.spread([4, 4, 4]) == 0)
        #expect(SampleStatistics.spread([4]) == 0)
    }

    @Test func oneWildSampleMovesNeitherMedianNorSpread() {
        let calm = [10.0, 11, 12, 13, 14], wild = [10.0, 11, 12, 13, 1e6]
        #expect(SampleStatistics.median(wild) == SampleStatistics.median(calm))
        #expect(SampleStatistics.spread(wild) == SampleStatistics.spread(calm))
    }

    /// A machine that is half as fast for some rounds: each ratio is right, that of the medians is not.
    @Test func ratiosAreTakenWithinARound() {
        let ours = [1.0, 2, 1, 2, 1], theirs = [3.0, 6, 3, 6, 3]
        #expect(SampleStatistics.medianRatio(theirs, over: ours) == 3)
    }
}
