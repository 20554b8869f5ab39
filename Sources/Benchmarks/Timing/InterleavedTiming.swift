/// Times several pieces of work in rounds (A B C A B C …), so that what disturbs the machine disturbs all alike.
///
/// Each piece is warmed up, then repeated within a sample until the sample takes `shortestSample`; a sample's
/// value is the mean over its repeats. Times are compared within a round and rounds by their median.
public struct InterleavedTiming {
    /// Seconds of sampling; rounds begin until they are spent, and `fewestRounds` unless those are slow.
    ///
    /// After ten times as long two rounds suffice: plain C over a cache that fills memory takes seconds a run.
    public var seconds: Double
    public var shortestSample = 0.01
    public var fewestRounds = 5
    /// Seconds on a clock that never goes back.
    private let now: () -> Double

    /// - Parameter now: another clock, for tests; by default the system's monotonic one.
    public init(seconds: Double, now: (() -> Double)? = nil) {
        self.seconds = seconds
        let clock = SuspendingClock(), start = clock.now
        self.now = now ?? { start.duration(to: clock.now) / .seconds(1) }
    }

    /// Seconds of one run of each piece of work, as [piece][round].
    ///
    /// - Parameter progress: told the part done after each sample; what it throws ends the measurement.
    /// - Throws: what `progress` throws.
    public func measure<Failure: Error>(
        _ work: [() -> Void],
        progress: (Double) throws(Failure) -> Void
    ) throws(Failure) -> [[Double]] {
        var repeats: [Int] = []
        for run in work {
            repeats.append(repeatsOfSample(run))
            try progress(0)
        }
        var samples = work.map { _ in [Double]() }
        let start = now()
        var round = 0
        while isUnfinished(round, after: now() - start) {
            for (index, run) in work.enumerated() {
                samples[index].append(time(run, repeats[index]) / Double(repeats[index]))
                try progress(min((now() - start) / seconds, 1))
            }
            round += 1
        }
        return samples
    }

    /// The same, for those who wait.
    public func measure(_ work: [() -> Void]) -> [[Double]] { measure(work) { _ in } }

    private func isUnfinished(_ rounds: Int, after elapsed: Double) -> Bool {
        elapsed < seconds || rounds < (elapsed < 10 * seconds ? fewestRounds : 2)
    }

    private func time(_ run: () -> Void, _ repeats: Int) -> Double {
        let start = now()
        for _ in 0..<repeats { run() }
        return now() - start
    }

    /// How often to run for a sample that is long enough; the trials warm up caches, pages and threads.
    private func repeatsOfSample(_ run: () -> Void) -> Int {
        var repeats = 1
        // Many samples long even when cold: a second trial would tell nothing.
        if time(run, 1) > 20 * shortestSample { return 1 }
        while true {
            let elapsed = time(run, repeats)
            if elapsed >= shortestSample || repeats >= 1 << 30 { return repeats }
            // A little more than it takes at this speed; a trial too short to tell its speed is only made longer.
            let wanted = elapsed > 0 ? 1.1 * shortestSample / elapsed : .infinity
            repeats = max(repeats + 1, Int(min(wanted, 100) * Double(repeats)))
        }
    }
}
