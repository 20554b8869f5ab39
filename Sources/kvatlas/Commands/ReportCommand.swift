import ArgumentParser
import Experiments
import Reporting

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Rebuild the figures and report.html of a finished run from its tables.",
        discussion: """
            Needs neither the model nor the capture.

            Example:
              kvatlas report runs/01-distribution
            """
    )

    @Argument(help: ArgumentHelp("The run's folder.", valueName: "folder"), completion: .directory)
    var folder: String

    func run() throws {
        try RunFolder.check(folder)
        let content = try Report.write(runDirectory: folder)
        for figure in content.missingFigures {
            Terminal.printError("warning: figure \(figure.id) is missing: \(figure.reason)")
        }
        Terminal.printResult("\(folder)/report.html")
    }
}
