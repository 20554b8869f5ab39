import ArgumentParser
import Capture
import Evaluation
import Foundation
import Kernels
import Statistics
import TensorCore

struct BenchStatisticsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statistics",
        abstract: "Time the statistics of a capture beside a plain read of as much memory.",
        discussion: """
            In rounds, on the same threads: a plain read of memory, as many bytes as the capture's tensors have; then \
            'kvatlas stats --by GRAINS' without writing tables. Read the capture once before (this does), so that the \
            disk is not what is measured. Rates by processor time are those over the time of all threads, which others \
            on the machine do not lengthen as much.

            Examples:
              kvatlas bench generate-capture --bytes 4GB --out generated.h5
              kvatlas bench statistics generated.h5
              kvatlas bench statistics generated.h5 --by channel --rounds 9 --json
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: CaptureOptions

    @Option(help: ArgumentHelp("Grains, as those of 'kvatlas stats'.", valueName: "grains"))
    var by: String = "channel,head,layer"

    @Option(help: ArgumentHelp("Rounds.", valueName: "n"))
    var rounds: Int = 5

    @Flag(help: "As JSON, for programs.")
    var json = false

    func validate() throws { try validatePositive(rounds, "--rounds") }

    /// Memory of the plain read: far more than any cache.
    private static let readBytes = 256 << 20

    private struct Result: Encodable {
        let bytes, threads: Int
        let memoryReadGBs, statisticsGBs, shares: [Double]
        /// The same over the processor time of all threads.
        let memoryReadByProcessor, statisticsByProcessor: [Double]

        enum CodingKeys: String, CodingKey {
            case bytes, threads, shares
            case memoryReadByProcessor = "memory_read_gb_per_processor_second"
            case statisticsByProcessor = "statistics_gb_per_processor_second"
            case memoryReadGBs = "memory_read_gb_s"
            case statisticsGBs = "statistics_gb_s"
        }
    }

    func run() throws {
        try shared.apply()
        var settings = StatisticsStudySettings()
        settings.grains = try UsageError.wrap("bench statistics") {
            try parseList(by, of: Grain.allCases, what: "grain")
        }
        Interruption.install()
        let capture = try input.open()
        let bytes = capture.layersPresent.reduce(0) { sum, layer in
            capture.tensors(inLayer: layer).reduce(sum) {
                $0 + capture.tokenCount * capture.headCount($1) * capture.metadata.headDim
                    * capture.elementType.bytesPerBlock
            }
        }
        let memory = [UInt64](repeating: 1, count: Self.readBytes / 8)
        let bar = ProgressBar("statistics", isQuiet: shared.quiet)
        /// GB/s by the clock on the wall, and by that of the processors.
        func rates(_ body: () throws -> Void) rethrows -> (wall: Double, processor: Double) {
            let wall = SuspendingClock(), start = wall.now, ticks = clock()
            try body()
            let processor = Double(clock() - ticks) / 1e6
            let gigabytes = Double(bytes) / 1e9
            return (gigabytes / (start.duration(to: wall.now) / .seconds(1)), gigabytes / max(processor, 1e-6))
        }
        var (read, study) = ([(wall: Double, processor: Double)](), [(wall: Double, processor: Double)]())
        // One round more, which brings pages into memory and is not counted.
        for round in 0...rounds {
            var left = bytes
            var sum: UInt64 = 0
            let reading = rates {
                while left > 0 {
                    let count = min(left, Self.readBytes)
                    memory.withUnsafeBytes {
                        sum &+= MemoryRead.sum(of: UnsafeRawBufferPointer(rebasing: $0[..<count]))
                    }
                    left -= count
                }
            }
            var rows = 0
            let studying = try rates {
                try StatisticsStudy.run(
                    capture,
                    settings: settings,
                    progress: { try bar.update(($0 + Double(round)) / Double(rounds + 1)) }
                ) { found, _ in rows += found.count }
            }
            // Both are used, so that neither is left out.
            guard sum > 0, rows > 0, round > 0 else { continue }
            read.append(reading)
            study.append(studying)
        }
        bar.finish("\(rounds) rounds of \(byteText(bytes))")
        let result = Result(
            bytes: bytes,
            threads: Parallel.threadCount,
            memoryReadGBs: read.map { $0.wall },
            statisticsGBs: study.map { $0.wall },
            shares: zip(study, read).map { $0.wall / $1.wall },
            memoryReadByProcessor: read.map { $0.processor },
            statisticsByProcessor: study.map { $0.processor }
        )
        if json { return try printJSON(result) }
        func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        Terminal.printResult(
            String(
                format: """
                    plain read of memory %.1f GB/s, statistics %.1f GB/s, %.0f %%; by processor time %.1f and %.1f \
                    GB/s (medians of %d rounds, %d threads)
                    """,
                middle(result.memoryReadGBs),
                middle(result.statisticsGBs),
                100 * middle(result.shares),
                middle(result.memoryReadByProcessor),
                middle(result.statisticsByProcessor),
                rounds,
                Parallel.threadCount
            )
        )
    }
}
