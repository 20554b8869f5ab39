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
            A scheme is an id of 'kvatlas list schemes', or a term KEY/VALUE+window=128+sink=4.
            'identity' always runs as the zero control. Each row carries both bit counts.

            Examples:
              kvatlas error capture.h5 --schemes kivi-2-g32-r128 --out errors.csv
              kvatlas error capture.h5 --schemes rtn-int2-token-g32,rtn-int2-channel-g32 \\
                --metrics relative_frobenius,sqnr_db --layers 0,7-9 --out -
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
                maximumQueries: maxQueries
            )
        }
        try output.check()
        Interruption.install()
        let capture = try input.open()
        settings.layers = try input.layers(layers, command: "error", of: capture)
        let bar = ProgressBar("errors of \(settings.schemes.count) scheme(s)", isQuiet: shared.quiet)
        let result = try ErrorStudy.run(capture, settings: settings, progress: bar.update)
        bar.finish("\(capture.tokenCount) tokens")
        for warning in result.warnings { Terminal.printError("warning: \(warning)") }
        try output.write(result.errors)
    }
}
