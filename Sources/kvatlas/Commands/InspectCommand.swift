import ArgumentParser
import Capture
import Foundation
import ModelFormats

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is inside a capture or a model file.",
        discussion: """
            Examples:
              kvatlas inspect capture.h5
              kvatlas inspect model.gguf --json
            """
    )

    @Argument(
        help: ArgumentHelp(
            "A capture (.h5, .h5.partial) or a model (.gguf, a Hugging Face folder).",
            valueName: "file"
        ),
        completion: .file()
    )
    var file: String

    @Flag(help: "As JSON, for programs.")
    var json = false

    func run() throws {
        if try ModelSource.isModel(path: file) {
            let summary = ModelSummary(try ModelSource(path: file))
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        } else {
            let summary = try CaptureSummary(path: file)
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        }
    }
}
