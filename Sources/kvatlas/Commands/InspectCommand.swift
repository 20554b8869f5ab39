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
        help: ArgumentHelp("A capture (.h5, .h5.partial) or a model (.gguf).", valueName: "file"),
        completion: .file()
    )
    var file: String

    @Flag(help: "As JSON, for programs.")
    var json = false

    func run() throws {
        let mapped = try MappedFile(path: file)
        let isModel = withExtendedLifetime(mapped) { mapped.bytes.starts(with: "GGUF".utf8) } || file.hasSuffix(".gguf")
        if isModel {
            let summary = ModelSummary(try GGUFFile(path: file))
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        } else {
            let summary = try CaptureSummary(path: file)
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        }
    }
}
