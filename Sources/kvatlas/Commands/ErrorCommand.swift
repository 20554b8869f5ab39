import ArgumentParser
import Evaluation
import Experiments
import Quantization
import Reporting

struct ErrorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "error",
        abstract: "Measure what quantization schemes do to captured keys, values and attention.",
        discussion: """
            A scheme is an id of 'kvatlas list schemes', or a term KEY/VALUE+window=128+sink=4. 'identity' always runs \
            as the zero control. Each row carries both bit counts.

            Examples:
              kvatlas error capture.h5 --schemes kivi-2-g32-r128 --out errors.csv
              kvatlas error capture.h5 --schemes rtn-int2-token-g32,rtn-int2-channel-g32 \\
                --metrics relative_frobenius,sqnr_db --layers 0,7-9 --out -
              kvatlas error capture.h5 --schemes kvarn-k4v2,oscar-2,kivi-2-g32-r128 \\
                --window 'equal(sink: 4, recent: 128)' --calibration calibration.h5 --out errors.csv
              kvatlas error capture.h5 --schemes hadamard:uniform-3-token-g64-clip0.9 --out -
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: CaptureOptions

    @Option(help: ArgumentHelp("Scheme ids or terms, separated by commas.", valueName: "list"))
    var schemes: String

    @Option(help: ArgumentHelp("Metric ids (default: all).", valueName: "list"))
    var metrics: String?

    @Option(help: ArgumentHelp("Layers (default: all in the capture).", valueName: "list"))
    var layers: String?

    @Option(help: ArgumentHelp("Query positions used of each sequence, evenly spaced.", valueName: "n"))
    var maxQueries: Int = ErrorStudySettings().maximumQueries

    @Option(
        help: ArgumentHelp(
            "Files of 'kvatlas calibrate', separated by commas, for schemes that need one.",
            valueName: "files"
        )
    )
    var calibration: String?

    @Option(
        help: ArgumentHelp(
            "One float16 window for all schemes in place of their own: 'equal(sink: 4, recent: 128)'.",
            valueName: "window"
        )
    )
    var window: String?

    enum SortKey: String, ExpressibleByArgument, CaseIterable {
        case bitsAsymptotic = "bits_asymptotic"
        case bitsAtLength = "bits_at_length"
    }

    @Option(help: "Order rows by a bit count: bits_asymptotic or bits_at_length (default: by layer).")
    var sort: SortKey?

    @OptionGroup var output: TableOutputOptions

    func validate() throws { try validatePositive(maxQueries, "--max-queries") }

    func run() throws {
        try shared.apply()
        var settings = try UsageError.wrap("error") {
            let names = splitList(schemes)
            guard !names.isEmpty else { throw UnknownNameError(what: "scheme", name: schemes, allowed: []) }
            return ErrorStudySettings(
                schemes: try names.map { try CacheScheme(parsing: $0) },
                metrics: try metrics.map { try MetricCatalogue.checked(splitList($0)) }
                    ?? MetricCatalogue.all.map { $0.id },
                maximumQueries: maxQueries,
                equalWindow: try window.map { try WindowPolicy(equal: $0) }
            )
        }
        try output.check()
        Interruption.install()
        let capture = try input.open()
        settings.layers = try input.layers(layers, command: "error", of: capture)
        let learnt = try CalibrationInput.read(calibration)
        let bar = ProgressBar("errors of \(settings.schemes.count) scheme(s)", isQuiet: shared.quiet)
        let result = try ErrorStudy.run(
            capture,
            settings: settings,
            calibration: learnt,
            progress: bar.update
        )
        bar.finish("\(capture.tokenCount) tokens")
        for warning in result.warnings { Terminal.printError("warning: \(warning)") }
        try output.write(sort.map { result.errors.sorted(by: $0.rawValue) } ?? result.errors)
    }
}
