import ArgumentParser
import Benchmarks
import Experiments
import Foundation
import Kernels
import TensorCore

struct BenchKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Time each kernel beside a plain read of memory and its float16 rival.",
        discussion: """
            Each kernel runs over data many times the last-level cache (memory) and over data that fit the \
            second-level cache (cache). In rounds it takes turns with a plain read of as many bytes and with the same \
            work over a float16 cache; medians are printed.

              GB/s      bytes that must be read and written, over median time
              of read   that rate over the plain read's, in the same round
              speed-up  time of the float16 rival over the kernel's
              spread    middle half of the times, (p75 - p25) / median: above
                        10 %, something else was running

            'kvatlas list benchmarks' says what each does and which bytes are counted.

            Examples:
              kvatlas bench kernels
              kvatlas bench kernels --filter attention-float16,gemv --threads 2
              kvatlas bench kernels --filter quantize --seconds 2 --json kernels.json
              KVATLAS_ISA=avx2 kvatlas bench kernels --filter scores
            """
    )

    @Option(
        help: ArgumentHelp(
            "Also write the result as JSON, replacing FILE; - for stdout, in place of the table.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var json: String?

    @Option(
        help: ArgumentHelp("Only kernels of these names, or with these in their names.", valueName: "list"),
        completion: .list(BenchmarkCatalogue.names)
    )
    var filter: String?

    @Option(help: ArgumentHelp("Threads, at most one a core.", valueName: "n"))
    var threads: Int = 1

    @Option(help: ArgumentHelp("Tokens of each head, memory-resident.", valueName: "n"))
    var tokens: Int = KernelBenchmarkRun().tokens

    @Option(help: ArgumentHelp("Channels of each head.", valueName: "n"))
    var headDim: Int = KernelBenchmarkRun().headDim

    @Option(help: ArgumentHelp("Seconds of sampling for each kernel and size.", valueName: "s"))
    var seconds: Double = KernelBenchmarkRun().secondsEach

    @Flag(name: .shortAndLong, help: "No progress on stderr.")
    var quiet = false

    func validate() throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        guard (1...cores).contains(threads) else {
            throw ValidationError("--threads must be from 1 to \(cores), this machine's cores, not \(threads)")
        }
        try validatePositive(tokens, "--tokens")
        try validatePositive(headDim, "--head-dim")
        guard seconds > 0, seconds.isFinite else {
            throw ValidationError("--seconds must be more than 0, not \(seconds)")
        }
    }

    func run() throws {
        try InstructionSet.validateEnvironment()
        let plan = try UsageError.wrap("bench kernels") {
            var plan = KernelBenchmarkRun()
            plan.benchmarks = try BenchmarkCatalogue.matching(filter)
            plan.tokens = tokens
            plan.headDim = headDim
            plan.secondsEach = seconds
            try plan.validate()
            return plan
        }
        if let json, json != "-" { try refuseMissingFolder(of: json) }
        Parallel.threadCount = threads
        Interruption.install()
        let bar = ProgressBar("\(plan.benchmarks.count) kernel(s)", isQuiet: quiet)
        let measurements = try plan.run(progress: bar.update)
        bar.finish("\(InstructionSet.active.rawValue), \(threads) thread(s)")
        if json == "-" {
            try printJSON(measurements)
            return
        }
        if let json { try AtomicFile.write(jsonText(measurements) + "\n", to: json) }
        Terminal.printResult(MeasurementTable(measurements).text)
    }
}

/// Measurements for people: columns of numbers end below each other.
struct MeasurementTable {
    private let measurements: [KernelMeasurement]

    init(_ measurements: [KernelMeasurement]) { self.measurements = measurements }

    var text: String {
        let header = [["kernel", "size", "GB/s", "of read", "speed-up", "spread"]]
        let rows = measurements.map { row in
            [
                row.name, "\(row.residence.rawValue), \(byteText(row.bytes))",
                String(format: "%.1f", row.gigabytesPerSecond), String(format: "%.0f %%", 100 * row.shareOfMemoryRead),
                row.ratioToFloat16.map { String(format: "%.2f x", $0) } ?? "-",
                String(format: "%.1f %%", 100 * row.spread),
            ]
        }
        let table = header + rows
        let widths = header[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return TextColumns(
            table.map { row in
                row.enumerated().map { column, cell in
                    column < 2 ? cell : String(repeating: " ", count: widths[column] - cell.count) + cell
                }
            }
        ).text
    }
}
