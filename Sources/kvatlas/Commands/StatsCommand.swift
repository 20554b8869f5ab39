import ArgumentParser
import Capture
import Evaluation
import Experiments
import Foundation
import Inference
import Reporting
import Statistics
import TensorCore

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Describe how the captured elements are distributed, per channel, token, head or layer.",
        discussion: """
            One pass over the capture, in memory that does not grow with it. One grain goes to a CSV file or to \
            stdout; several, or one with a folder for --out, become a folder:

              statistics-GRAIN.csv   a row each channel of a head (channel),
                                     token of a head (token), head of a layer
                                     (head: layer x head), or tensor of a
                                     layer (layer)
              outlier-channels.csv   channels far above the median channel
              histogram.csv          with --histogram: bins and counts of each
                                     layer's tensors
              statistics.h5          channels, heads and layers as arrays, for
                                     xarray and h5py; with --histogram bins
                                     and counts of each channel and head
              README.md              what each column means

            A row a token and head is a large table: '--by all' leaves it out above \(tokenRowsOfAll) rows and says \
            so; '--by channel,token,head,layer' writes it whatever its size.

            'kvatlas list statistics --by channel' and 'kvatlas list analyses --table spectrum' print the columns of a \
            table with unit and definition. Of \
            captures of more than \(TokenSample.size) tokens, quantiles come from \(TokenSample.size) tokens drawn by \
            a fixed rule (their error is stated with each column); all else is of all elements.

            Examples:
              kvatlas stats capture.h5 --by channel --out channels.csv
              kvatlas stats capture.h5 --by layer --tensors key,value --out -
              kvatlas stats capture.h5 --by channel,head,layer --histogram --out statistics
              kvatlas stats capture.h5 --by all --layers 0-3 --out statistics --json
              kvatlas stats capture.h5 --analyses all --out structure
              kvatlas stats capture.h5 --analyses tiles --layers 0,7-9 --out -

            Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted (nothing half-written is left).
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: CaptureOptions

    @Option(help: ArgumentHelp("channel, token, head, layer, several with commas, or all.", valueName: "grains"))
    var by: String?

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

    @Flag(help: "Also bins and counts of each layer's tensors; in statistics.h5 of each channel and head.")
    var histogram = false

    @Option(
        help: ArgumentHelp("A CSV file, a folder, or - for stdout.", valueName: "file.csv|folder|-"),
        completion: .file()
    )
    var out: String

    @Flag(help: "Replace outputs that exist.")
    var overwrite = false

    @Flag(help: "Print what was done as JSON on stdout.")
    var json = false

    /// Rows of the token's table up to which `--by all` writes it, some 50 MB.
    static let tokenRowsOfAll = 200_000
    private static let bytesOfTokenRow = 250

    private static func isAll(_ by: String) -> Bool { by.trimmingCharacters(in: .whitespaces) == "all" }

    /// Leaves the token's table out of `all` where it would be large.
    ///
    /// - Returns: what to say of its size.
    private func limitTokens(_ settings: inout StatisticsStudySettings, of capture: CaptureFile, by: String) -> String?
    {
        guard settings.grains.contains(.token) else { return nil }
        let rows = (settings.layers ?? capture.layersPresent).reduce(0) { sum, layer in
            capture.tensors(inLayer: layer).filter { settings.tensors?.contains($0) != false }.reduce(sum) {
                $0 + capture.headCount($1) * capture.tokenCount
            }
        }
        guard rows > Self.tokenRowsOfAll else { return nil }
        let size = "statistics-token has \(rows) rows, about \(byteText(rows * Self.bytesOfTokenRow))"
        guard Self.isAll(by) else { return size }
        settings.grains.removeAll { $0 == .token }
        return "\(size), and is left out; --by channel,token,head,layer writes it (of fewer --layers or --tensors less)"
    }

    private func grains(_ by: String) throws -> [Grain] {
        try UsageError.wrap("stats") {
            if Self.isAll(by) { return Grain.allCases }
            return try parseList(by, of: Grain.allCases, what: "grain")
        }
    }

    func validate() throws {
        guard (by == nil) != (analyses == nil) else { throw ValidationError("one of --by and --analyses is needed") }
        if json, out == "-" { throw ValidationError("--json and --out - both want stdout") }
        if analyses != nil, json || histogram {
            throw ValidationError("\(json ? "--json" : "--histogram") goes with --by, not with --analyses")
        }
    }

    func run() throws {
        try shared.apply()
        if let analyses { return try runStructure(analyses) }
        guard let by else { return }
        var settings = StatisticsStudySettings()
        settings.grains = try grains(by)
        settings.histogram = histogram
        let destination = try UsageError.wrap("stats") { try StatisticsOutput.Destination(out, settings) }
        settings.tensors = try tensors.map { list in
            try UsageError.wrap("stats") { try parseList(list, of: CapturedTensor.allCases, what: "tensor") }
        }
        // First, so that no signal finds a half-written file and nobody who removes it.
        Interruption.install()
        let capture = try input.open()
        settings.layers = try input.layers(layers, command: "stats", of: capture)
        let note = limitTokens(&settings, of: capture, by: by)
        let output = try StatisticsOutput(destination, settings, of: capture, overwrite: overwrite)
        if let note { Terminal.printError("note: \(note)") }
        let start = Date()
        let bar = ProgressBar("statistics", isQuiet: shared.quiet)
        try StatisticsStudy.run(capture, settings: settings, archive: output.archive, progress: bar.update) {
            try output.append($0, to: $1)
        }
        try output.finish()
        bar.finish("\(capture.tokenCount) tokens")
        let summary = StatisticsRunSummary(capture, settings, output, seconds: Date().timeIntervalSince(start))
        summary.notes.forEach { Terminal.printError("note: \($0)") }
        if json { return try printJSON(summary) }
        if case .standardOutput = destination { return }
        Terminal.printError("\(output.rowCounts.values.reduce(0, +)) rows written")
        Terminal.printResult(out)
    }
}

extension Grain: ExpressibleByArgument {}
