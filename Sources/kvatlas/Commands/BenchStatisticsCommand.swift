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
            In rounds, on the same threads: a plain read of memory, as many bytes as the capture's tensors have; then
            'kvatlas stats --by GRAINS' without writing tables. Read the capture once before (this does), so that
            the disk is not what is measured.

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

        enum CodingKeys: String, CodingKey {
            case bytes, threads, shares
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
        func seconds(_ body: () throws -> Void) rethrows -> Double {
            let clock = SuspendingClock(), start = clock.now
            try body()
            return start.duration(to: clock.now) / .seconds(1)
        }
        var (read, study) = ([Double](), [Double]())
        // One round more, which brings pages into memory and is not counted.
        for round in 0...rounds {
            var left = bytes
            var sum: UInt64 = 0
            let reading = seconds {
                while left > 0 {
                    let count = min(left, Self.readBytes)
                    memory.withUnsafeBytes {
                        sum &+= MemoryRead.sum(of: UnsafeRawBufferPointer(rebasing: $0[..<count]))
                    }
                    left -= count
                }
            }
            var rows = 0
            let studying = try seconds {
                try StatisticsStudy.run(
                    capture,
                    settings: settings,
                    progress: { try bar.update(($0 + Double(round)) / Double(rounds + 1)) }
                ) {
                    found,
                    _ in rows += found.count
                }
            }
            // Both are used, so that neither is left out.
            guard sum > 0, rows > 0, round > 0 else { continue }
            read.append(Double(bytes) / reading / 1e9)
            study.append(Double(bytes) / studying / 1e9)
        }
        bar.finish("\(rounds) rounds of \(byteText(bytes))")
        let result = Result(
            bytes: bytes,
            threads: Parallel.threadCount,
            memoryReadGBs: read,
            statisticsGBs: study,
            shares: zip(study, read).map { $0 / $1 }
        )
        if json { return try printJSON(result) }
        func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        Terminal.printResult(
            String(
                format:
                    "plain read of memory %.1f GB/s, statistics %.1f GB/s, %.0f %% (medians of %d rounds, %d threads)",
                middle(read),
                middle(study),
                100 * middle(result.shares),
                rounds,
                Parallel.threadCount
            )
        )
    }
}
