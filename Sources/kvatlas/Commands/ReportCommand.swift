import ArgumentParser
import Experiments
import Reporting

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Rebuild the figures and report.html of a finished run from its tables.",
        discussion: """
            Needs neither the model nor the capture. Tables that are not as the run left them are warned of here and \
            in the report.

            Example:
              kvatlas report runs/01-distribution
            """
    )

    @Argument(help: ArgumentHelp("The run's folder.", valueName: "folder"), completion: .directory)
    var folder: String

    func run() throws {
        let alterations = try checkRun(folder)
        let content = try Report.write(runDirectory: folder, alterations: alterations)
        for figure in content.missingFigures {
            Terminal.printError("warning: figure \(figure.id) is missing: \(figure.reason)")
        }
        Terminal.printResult("\(folder)/report.html")
    }
}

/// Checks that a finished run is there, and warns of its files that are not as the run left them.
///
/// - Throws: `RunError.notARun`, `FileError`.
func checkRun(_ folder: String) throws -> [Alteration] {
    try RunFolder.check(folder)
    let alterations = try RunFolder.alterations(in: folder)
    for alteration in alterations { Terminal.printError("warning: \(folder)/\(alteration.sentence)") }
    if !alterations.isEmpty { Terminal.printError("  \(Alteration.remedy)") }
    return alterations
}
