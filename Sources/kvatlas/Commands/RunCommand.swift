import ArgumentParser
import Experiments
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run an experiment: capture, tables, figures, report.",
        discussion: """
            Stages whose inputs did not change are skipped, so a stopped run goes on where it stopped. Prints the path \
            of the report.

            Examples:
              kvatlas run experiments/01-distribution/experiment.yaml
              kvatlas run experiment.yaml --out runs/other --set model.path=other.gguf
              kvatlas run experiment.yaml --dry-run
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: ManifestOptions

    @Option(
        help: ArgumentHelp("Folder of the run (default: output.directory).", valueName: "folder"),
        completion: .directory
    )
    var out: String?

    @Flag(help: "Replace results of another model or outputs edited by hand.")
    var force = false

    @Flag(help: "Print which stages would run and why, and stop.")
    var dryRun = false

    func run() throws {
        try shared.apply()
        var manifest = try input.load()
        if let out { manifest.output.directory = URL(fileURLWithPath: out).standardizedFileURL.path }
        Interruption.install()
        if dryRun {
            let bar = ProgressBar("checksum of \(fileName(manifest.model.path))", isQuiet: shared.quiet)
            Terminal.printResult(try Runner.plan(manifest, replaces: force, progress: bar.update).description)
            return
        }
        let observer = ProgressObserver(isQuiet: shared.quiet)
        let runner = try Runner(manifest, command: CommandLine.arguments, replaces: force, observer: observer)
        Terminal.printResult(try runner.run())
    }
}

/// The manifest and what the command line changes in it.
struct ManifestOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The manifest.", valueName: "file.yaml"),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var manifest: String

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp("Replace one value, e.g. model.path=m.gguf; may be repeated.", valueName: "key=value")
    )
    var overrides: [String] = []

    func load() throws -> Manifest { try Manifest.load(manifest, overrides: overrides) }
}

/// A progress bar a stage.
final class ProgressObserver: RunObserver {
    private let isQuiet: Bool
    private var bar: ProgressBar?

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func begin(_ title: String) -> (Double) throws -> Void {
        let bar = ProgressBar(title, isQuiet: isQuiet)
        self.bar = bar
        return bar.update
    }

    func finish(_ summary: String) { bar?.finish(summary) }

    func skip(_ title: String, summary: String) {
        if !isQuiet { Terminal.printError("\(title): up to date (\(summary))") }
    }

    func warn(_ message: String) { Terminal.printError("warning: \(message)") }
}
