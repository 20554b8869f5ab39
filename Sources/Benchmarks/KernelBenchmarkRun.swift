import Kernels

/// Times kernels one after the other, each beside a plain read and its float16 rival.
public struct KernelBenchmarkRun {
    public var benchmarks: [KernelBenchmark] = BenchmarkCatalogue.all
    /// Of each head, memory-resident.
    public var tokens = 32_768
    public var headDim = 128
    /// Of sampling for each kernel at each residence.
    public var secondsEach = 0.5

    public init() {}

    /// - Throws: `BenchmarkError.tooLarge` for tokens that would fill the machine's memory.
    public func validate() throws { _ = try Workload(residence: .memory, tokens: tokens, headDim: headDim) }

    /// One measurement for each kernel and residence, memory first.
    ///
    /// Runs on `Parallel.threadCount` threads. Takes about `secondsEach` for each, more where a run is slow, and
    /// memory of about four times the float16 cache.
    ///
    /// - Parameter progress: told the part done; what it throws ends the run.
    /// - Throws: `BenchmarkError.tooLarge`, `KernelError.outOfMemory`, and what `progress` throws.
    public func run(progress: (Double) throws -> Void = { _ in }) throws -> [KernelMeasurement] {
        var measurements: [KernelMeasurement] = []
        let total = Double(Residence.allCases.count * benchmarks.count)
        for residence in Residence.allCases {
            let workload = try Workload(residence: residence, tokens: tokens, headDim: headDim)
            var group = ""
            for benchmark in benchmarks {
                // What one group shares would only lie in the way of the next.
                if benchmark.group != group { workload.release() }
                group = benchmark.group
                let done = Double(measurements.count)
                measurements.append(try measure(benchmark, workload) { try progress((done + $0) / total) })
            }
        }
        return measurements
    }

    private func measure(
        _ benchmark: KernelBenchmark,
        _ workload: Workload,
        progress: (Double) throws -> Void
    ) throws -> KernelMeasurement {
        let kernel = try benchmark.prepare(workload)
        var work = [kernel.run]
        let read = MemoryReadBenchmark.prepare(workload, bytes: kernel.bytes)
        let isPlainRead = benchmark.name == MemoryReadBenchmark.name
        if !isPlainRead { work.append(read.run) }
        let rival = benchmark.rival.flatMap { $0 == benchmark.name ? nil : BenchmarkCatalogue.named($0) }
        if let rival { work.append(try rival.prepare(workload).run) }

        let samples = try InterleavedTiming(seconds: secondsEach).measure(work, progress: progress)
        let share =
            isPlainRead
            ? 1
            : SampleStatistics.medianRatio(samples[1], over: samples[0]) * Double(kernel.bytes) / Double(read.bytes)
        let ratio =
            rival == nil
            ? benchmark.rival.map { _ in 1 } : SampleStatistics.medianRatio(samples[work.count - 1], over: samples[0])
        return KernelMeasurement(
            name: benchmark.name,
            isa: (isPlainRead ? MemoryRead.instructionSet : InstructionSet.active).rawValue,
            residence: workload.residence,
            threads: Parallel.threadCount,
            tokens: kernel.tokens,
            headDim: kernel.headDim,
            bytes: kernel.bytes,
            gigabytesPerSecond: Double(kernel.bytes) / SampleStatistics.median(samples[0]) / 1e9,
            shareOfMemoryRead: share,
            ratioToFloat16: ratio,
            spread: SampleStatistics.spread(samples[0])
        )
    }
}
