import ArgumentParser
import Capture
import Experiments
import Inference
import TensorCore

struct BenchGenerateCaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-capture",
        abstract: "Write a capture of seeded random numbers, of any length, to measure with.",
        discussion: """
            No model has seen it, and its attributes say so: the model's name is 'generated'. Each channel has a scale \
            and a mean of its own, and every 61st channel of keys and queries is an outlier.

            Examples:
              kvatlas bench generate-capture --bytes 4GB --out generated.h5
              kvatlas bench generate-capture --tokens 10000000 --layers 1 --kv-heads 1 --head-dim 64 --out long.h5
            """
    )

    @OptionGroup var shared: SharedOptions

    @Option(help: ArgumentHelp("Tokens.", valueName: "n"))
    var tokens: Int?

    @Option(help: ArgumentHelp("In place of --tokens: as many as take this much, e.g. 4GB.", valueName: "bytes"))
    var bytes: ByteCount?

    @Option(help: ArgumentHelp("Layers.", valueName: "n"))
    var layers: Int = 16

    @Option(help: ArgumentHelp("Query heads.", valueName: "n"))
    var heads: Int = 12

    @Option(help: ArgumentHelp("Key/value heads.", valueName: "n"))
    var kvHeads: Int = 2

    @Option(help: ArgumentHelp("Channels of a head.", valueName: "n"))
    var headDim: Int = 128

    @Option(help: ArgumentHelp("Tensors.", valueName: "list"))
    var tensors: String = "key,value"

    @Option(help: ArgumentHelp("Seed of all numbers.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The capture to write.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var out: String

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func validate() throws {
        guard (tokens == nil) != (bytes == nil) else { throw ValidationError("give one of --tokens and --bytes") }
        for (value, option) in [
            (tokens, "--tokens"), (layers, "--layers"), (heads, "--heads"), (kvHeads, "--kv-heads"),
            (headDim, "--head-dim"),
        ] { try validatePositive(value, option) }
    }

    func run() throws {
        try shared.apply()
        let chosen = try UsageError.wrap("bench generate-capture") {
            try parseList(tensors, of: CapturedTensor.allCases, what: "tensor")
        }
        var capture = GeneratedCapture(
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            tokens: tokens ?? 0,
            tensors: Set(chosen),
            seed: seed
        )
        if let bytes { capture.tokens = max(1, bytes.bytes / capture.bytesPerToken) }
        Interruption.install()
        let bar = ProgressBar("generate", isQuiet: shared.quiet)
        let result = try capture.write(to: out, overwrite: overwrite, progress: bar.update)
        bar.finish("\(result.tokens) tokens, \(byteText(result.byteCount))")
        Terminal.printResult(out)
    }
}
