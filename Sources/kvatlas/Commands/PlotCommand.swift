import ArgumentParser
import Capture
import Evaluation
import Experiments
import Foundation
import Inference
import Reporting
import TensorCore

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot",
        abstract: "Draw a figure from a capture or from the tables of a run, as SVG.",
        discussion: """
            Figures are those of 'kvatlas list figures'. From a capture, the tables that the figure needs are computed \
            first; the error figures read a run folder, which has them.

            Examples:
              kvatlas plot capture.h5 --figure magnitude-surface --layer 14 --head 0 \\
                --tensor key --out surface.svg
              kvatlas plot capture.h5 --figure magnitude-heatmap --layer 14 \\
                --tensor key_pre_rope,key,key_rotated --out states.svg
              kvatlas plot runs/01-distribution --figure layer-head-heatmap \\
                --statistic excess_kurtosis --out heads.svg
              kvatlas plot capture.h5 --figure layer-head-heatmap \\
                --statistic attention-profile.entropy --out entropy.svg
            """
    )

    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("A capture file or a run folder.", valueName: "file.h5|folder"), completion: .file())
    var input: String

    @Option(
        help: ArgumentHelp("Id of the figure.", valueName: "id"),
        completion: .list(FigureCatalogue.every.map { $0.id })
    )
    var figure: String

    @Option(help: ArgumentHelp("Layer (default: the figure's choice).", valueName: "l"))
    var layer: Int?

    @Option(
        help: ArgumentHelp(
            "Key/value head, or query head with --tensor query (default: the figure's choice).",
            valueName: "h"
        )
    )
    var head: Int?

    @Option(
        help: ArgumentHelp(
            "query, key, key_pre_rope or value, several with commas; of magnitudes also key_rotated and value_rotated.",
            valueName: "names"
        )
    )
    var tensor: String?

    @Option(
        help: ArgumentHelp(
            "For layer-head-heatmap, a column of a table with layers and heads, such as excess_kurtosis or "
                + "effective_rank, or TABLE.COLUMN.",
            valueName: "id"
        )
    )
    var statistic: String?

    @Option(
        help: ArgumentHelp("The SVG file to write, or - for stdout.", valueName: "file.svg"),
        completion: .file(extensions: ["svg"])
    )
    var out: String

    @Flag(help: "Read a capture that was cut short, up to its last whole token.")
    var allowIncomplete = false

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    /// An option that the figure does not heed would be a silent mistake.
    private func checkOptions(of figure: any Figure.Type) throws {
        let options: [(name: String, parameter: FigureParameter, isGiven: Bool)] = [
            ("--layer", .layer, layer != nil), ("--head", .head, head != nil), ("--tensor", .tensor, tensor != nil),
            ("--statistic", .statistic, statistic != nil),
        ]
        let heeded = options.filter { figure.parameters.contains($0.parameter) }.map(\.name)
        for option in options where option.isGiven && !heeded.contains(option.name) {
            let others = heeded.isEmpty ? "none of these options" : "of these options " + heeded.joined(separator: ", ")
            throw ValidationError("the figure '\(figure.id)' takes no \(option.name); it takes \(others)")
        }
    }

    func run() throws {
        try shared.apply()
        let type = try UsageError.wrap("plot") { try FigureCatalogue.figure(figure) }
        try checkOptions(of: type)
        let tensors = try tensor.map { names in
            try UsageError.wrap("plot") { try parseList(names, of: MagnitudeTensor.allCases, what: "tensor") }
        }
        if out != "-" { try refuseExisting(out, overwrite: overwrite) }
        Interruption.install()
        var isFolder: ObjCBool = false
        let source: (tables: [String: Table], context: FigureContext)
        if FileManager.default.fileExists(atPath: input, isDirectory: &isFolder), isFolder.boolValue {
            _ = try checkRun(input)
            source = (try Report.tables(in: input + "/tables"), try FigureContext(runDirectory: input))
        } else {
            let capture = try CaptureFile(path: input, allowIncomplete: allowIncomplete)
            let bar = ProgressBar("tables for \(figure)", isQuiet: shared.quiet)
            source = try FigureTables.make(
                for: type,
                of: capture,
                layer: layer,
                head: head,
                tensors: tensors,
                statistic: statistic,
                progress: bar.update
            )
            bar.finish("\(capture.tokenCount) tokens")
        }
        let svg = try FigureCatalogue.figure(
            id: figure,
            tables: source.tables,
            context: source.context,
            selection: FigureSelection(
                layers: layer.map { [$0] },
                head: head,
                tensors: tensors?.map(\.rawValue),
                statistic: statistic
            )
        )
        if out == "-" {
            Terminal.printResult(svg)
        } else {
            try AtomicFile.write(svg, to: out)
            Terminal.printResult(out)
        }
    }
}
