import ArgumentParser
import Capture
import Experiments
import Foundation
import Inference
import ModelFormats

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is inside a capture or a model file.",
        discussion: """
            Of a model also what its keys and values take under each cache, from the caches' own accounting, and what \
            fits in this machine's available memory beside the weights.

            Examples:
              kvatlas inspect capture.h5
              kvatlas inspect model.gguf --json
              kvatlas inspect model.gguf --tokens 32768 --caches full-f16,kivi-2-g32-r128 --memory 16GiB
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

    @Option(
        help: ArgumentHelp(
            "Of a model: tokens of a sequence to account at (default: 4096, or the context if that is less).",
            valueName: "n"
        )
    )
    var tokens: Int?

    @Option(
        help: ArgumentHelp("Of a model: caches to account for (default: all that have a name).", valueName: "names")
    )
    var caches: String?

    @Option(
        help: ArgumentHelp(
            "Of a model: memory for weights and caches (default: what is available here).",
            valueName: "bytes"
        )
    )
    var memory: ByteCount?

    @Flag(help: "As JSON, for programs.")
    var json = false

    func validate() throws { try validatePositive(tokens, "--tokens") }

    func run() throws {
        let named = try caches.map { list in
            try UsageError.wrap("inspect") { try splitList(list).map { try CacheSpecification(parsing: $0) } }
        }
        if try ModelSource.isModel(path: file) {
            let summary = try ModelSummary(
                ModelSource(path: file),
                caches: named ?? CacheSpecification.named,
                tokens: tokens,
                memoryBytes: memory?.bytes ?? Machine.current.availableMemoryBytes
            )
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        } else {
            guard tokens == nil, caches == nil, memory == nil else {
                throw ValidationError("--tokens, --caches and --memory are of models, and \(fileName(file)) is none")
            }
            let summary = try CaptureSummary(path: file)
            if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        }
    }
}
