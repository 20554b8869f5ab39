import ArgumentParser
import Capture
import Experiments
import Foundation
import Inference
import TensorCore

struct CaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Run texts through a model and write its keys, values and queries to an HDF5 file.",
        discussion: """
            Each text is one sequence with its own empty cache. The file appears under its name when it is complete; \
            until then, and after Ctrl-C or a crash, what was recorded is in FILE.h5.partial and can be read with \
            --allow-incomplete.

            Examples:
              kvatlas capture --model model.gguf --text prose.txt --out capture.h5
              kvatlas capture --model model.gguf --text a.txt b.txt --out capture.h5 \\
                --tensors key,value --layers 0,7-9 --max-tokens 2048
            """
    )

    @OptionGroup var shared: SharedOptions

    @Option(
        help: ArgumentHelp("The model: a GGUF file or a Hugging Face folder.", valueName: "path"),
        completion: .file()
    )
    var model: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The texts, UTF-8; one sequence each.", valueName: "file"),
        completion: .file()
    )
    var text: [String]

    @Option(
        help: ArgumentHelp("The capture file to write.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"])
    )
    var out: String

    @Option(help: ArgumentHelp("What to record: query, key, key_pre_rope, value.", valueName: "list"))
    var tensors: String = CapturedTensor.allCases.map(\.rawValue).joined(separator: ",")

    @Option(help: ArgumentHelp("Which layers: all, or e.g. 0,7-9.", valueName: "list"))
    var layers: String = "all"

    @Option(help: ArgumentHelp("Use at most this many tokens of each text.", valueName: "n"))
    var maxTokens: Int?

    @Option(help: ArgumentHelp("Cut longer texts into sequences of this many tokens.", valueName: "n"))
    var sequenceTokens: Int?

    @Option(help: ArgumentHelp("How numbers are stored: f16 or f32.", valueName: "type"))
    var elementType: String = "f16"

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func validate() throws {
        try validatePositive(maxTokens, "--max-tokens")
        try validatePositive(sequenceTokens, "--sequence-tokens")
        if text.isEmpty { throw ValidationError("--text needs at least one file") }
    }

    func run() throws {
        try shared.apply()
        let settings: CaptureJob.Settings = try UsageError.wrap("capture") { try makeSettings() }
        let texts = try text.map { try TextFile.load($0) }
        Interruption.install()
        let languageModel = try LanguageModel.opened(model)
        _ = try settings.layers.resolve(layerCount: languageModel.configuration.layers)
        let hashing = ProgressBar("checksum of \(fileName(model))", isQuiet: shared.quiet)
        let sha256 = try ModelChecksum(path: model, progress: hashing.update).sha256
        hashing.finish(String(sha256.prefix(12)))
        let bar = ProgressBar("capture", isQuiet: shared.quiet)
        let summary = try CaptureJob(model: languageModel, settings: settings).run(
            texts: texts,
            to: out,
            overwrite: overwrite,
            provenance: CaptureProvenance(command: CommandLine.arguments, weightsSHA256: sha256),
            progress: bar.update
        )
        let rate = Int((Double(summary.tokens) / summary.secondsOfInference).rounded())
        bar.finish("\(summary.tokens) tokens in \(summary.sequences) sequence(s), \(rate) tokens/s")
        if summary.overflowedValues > 0 {
            Terminal.printError(
                "warning: \(summary.overflowedValues) values beyond float16's range are stored as infinity; "
                    + "--element-type f32 keeps them"
            )
        }
        Terminal.printResult(out)
    }

    private func makeSettings() throws -> CaptureJob.Settings {
        var settings = CaptureJob.Settings()
        settings.tensors = try parseList(tensors, of: CapturedTensor.allCases, what: "tensor")
        settings.layers = try LayerSelection(parsing: layers)
        settings.maximumTokensPerText = maxTokens
        settings.tokensPerSequence = sequenceTokens
        settings.elementType = try parseName(elementType, of: [ElementType.float16, .float32], what: "element type")
        return settings
    }
}
