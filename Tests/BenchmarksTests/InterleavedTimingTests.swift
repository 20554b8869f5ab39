import Benchmarks
import Testing

/// A clock that work moves forward.
private final class FakeClock {
    var time = 0.0
    var log: [String] = []

    func work(_ name: String, _ seconds: Double) -> () -> Void {
        {
            self.time += seconds
            self.log.append(name)
        }
    }

    func timing(seconds: Double) -> InterleavedTiming { InterleavedTiming(seconds: seconds) { self.time } }
}

@Suite struct InterleavedTimingTests {
    @Test func timesAreThoseOfOneRun() {
        let clock = FakeClock()
        let samples = clock.timing(seconds: 1).measure([clock.work("a", 0.0001), clock.work("b", 0.03)])
        #expect(samples.count == 2 && samples[0].count == samples[1].count)
        #expect(samples[0].allSatisfy { abs($0 - 0.0001) < 1e-9 })
        #expect(samples[1].allSatisfy { abs($0 - 0.03) < 1e-9 })
    }

    @Test func piecesTakeTurns() {
        let clock = FakeClock()
        let samples = clock.timing(seconds: 0.01).measure([clock.work("a", 0.02), clock.work("b", 0.02)])
        let rounds = samples[0].count
        #expect(Array(clock.log.suffix(2 * rounds)) == Array(repeating: ["a", "b"], count: rounds).flatMap { $0 })
    }

    @Test func samplesAreLongEnoughButNotMuchLonger() {
        let clock = FakeClock()
        let samples = clock.timing(seconds: 0.1).measure([clock.work("a", 1e-6)])
        // A twentieth second at most for each of the 0.1 / 0.01 rounds and the trials.
        #expect(samples[0].count >= 5 && samples[0].count <= 10)
        #expect(clock.time < 0.2)
    }

    @Test(arguments: [0.02, 0.5, 2]) func secondsBoundTheTime(seconds: Double) {
        let clock = FakeClock()
        let timing = clock.timing(seconds: seconds)
        let samples = timing.measure([clock.work("a", 0.02), clock.work("b", 0.01)])
        #expect(samples[0].count == max(timing.fewestRounds, Int((seconds / 0.03).rounded(.up))))
    }

    @Test func slowWorkIsNotRepeatedForLong() {
        let clock = FakeClock()
        let samples = clock.timing(seconds: 0.1).measure([clock.work("a", 3)])
        #expect(samples[0] == [3, 3])
        #expect(clock.log.count == 3)
    }

    @Test func aClockTooCoarseForOneRunIsNoTrap() {
        var ticks = 0.0, runs = 0
        // Seen only in steps of 4 ms.
        let timing = InterleavedTiming(seconds: 0.05) { (ticks / 0.004).rounded(.down) * 0.004 }
        let samples = timing.measure([
            {
                ticks += 1e-5
                runs += 1
            }
        ])
        let median = SampleStatistics.median(samples[0])
        #expect(median > 0.5e-5 && median < 2e-5)
    }

    @Test func whatProgressThrowsEndsTheMeasurement() {
        struct Stop: Error {}
        let clock = FakeClock()
        var calls = 0
        #expect(throws: Stop.self) {
            _ = try clock.timing(seconds: 1000).measure([clock.work("a", 0.02)]) { _ in
                calls += 1
                if calls == 4 { throw Stop() }
            }
        }
        #expect(clock.time < 1)
    }

    @Test func progressGrowsToOne() {
        let clock = FakeClock()
        var seen: [Double] = []
        _ = clock.timing(seconds: 1).measure([clock.work("a", 0.02), clock.work("b", 0.01)]) { seen.append($0) }
        #expect(seen == seen.sorted() && seen.first == 0 && seen.last == 1)
    }

    @Test func theRealClockMovesForward() {
        let samples = InterleavedTiming(seconds: 0.001).measure([{}])
        #expect(samples[0].allSatisfy { $0 > 0 && $0 < 0.01 })
    }
}
