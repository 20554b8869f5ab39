import ArgumentParser
import Capture
import Evaluation
import Experiments
import Inference
import Reporting
import Statistics
import TensorCore

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Describe how the captured elements are distributed, per channel, token, head or layer.",
        discussion: """
            One pass over the capture; the columns are those of 'kvatlas list statistics'.

            Examples:
              kvatlas stats capture.h5 --by channel --out channels.csv
              kvatlas stats capture.h5 --by layer --tensors key,value --out -
              kvatlas stats capture.h5 --analyses all --out structure
              kvatlas stats capture.h5 --analyses tiles --layers 0,7-9 --out -
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: CaptureOptions

    @Option(help: "channel, token, head or layer.")
    var by: Grain?

    @Option(
        help: ArgumentHelp(
            "In place of --by: analyses of 'kvatlas list analyses', or all. --out is then a folder.",
            valueName: "list"
        )
    )
    var analyses: String?

    @Option(help: ArgumentHelp("Tensors (default: all in the capture).", valueName: "list"))
    var tensors: String?

    @Option(help: ArgumentHelp("Layers (default: all in the capture).", valueName: "list"))
    var layers: String?

    @OptionGroup var output: TableOutputOptions

    func validate() throws {
        guard (by == nil) != (analyses == nil) else { throw ValidationError("one of --by and --analyses is needed") }
    }

    func run() throws {
        try shared.apply()
        if let analyses { return try runStructure(analyses) }
        guard let by else { return }
        try output.check()
        Interruption.install()
        let capture = try input.open()
        var settings = StatisticsStudySettings()
        settings.grains = [by]
        settings.tensors = try tensors.map { list in
            try UsageError.wrap("stats") { try parseList(list, of: CapturedTensor.allCases, what: "tensor") }
        }
        settings.layers = try input.layers(layers, command: "stats", of: capture)
        let bar = ProgressBar("statistics", isQuiet: shared.quiet)
        let tables = try StatisticsStudy.run(capture, settings: settings, progress: bar.update)
        bar.finish("\(capture.tokenCount) tokens")
        for table in tables where table.name == "statistics-\(by.rawValue)" { try output.write(table) }
    }
}

extension Grain: ExpressibleByArgument {}
