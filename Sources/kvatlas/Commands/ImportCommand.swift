import ArgumentParser
import Capture
import Experiments
import Foundation
import Inference
import TensorCore

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a capture of arrays that other programs saved: npz, npy, safetensors, HDF5.",
        discussion: """
            Axes are named in the order of the arrays' shape: token, kv_head (or head) and channel, with batch (of \
            size 1) and layer where there are such axes; kv_head*channel is a projection's output, heads side by side, \
            which needs --kv-heads and --heads. Names say layer and tensor by a pattern; tensors are query, key, \
            key_pre_rope, value and their usual other words (keys, k, key_states, key_cache …). A file that has a \
            tensor of the files before again is the next prompt.

            Elements may be float16, bfloat16, float32 or float64, and files larger than memory. Options win over what \
            a file says of itself.

            Attention is computed anew from queries and keys: where a model's layers see a window only (Mistral, \
            Gemma), scale scores otherwise than by 1/sqrt(channels) or cap them (Gemma 2), say so, unless the file \
            does as the hook's do. Analyses of a capture that does not know warn.

            Examples:
              kvatlas import hook.h5 --axes token,kv_head,channel --out capture.h5
              kvatlas import a.npz b.npz --axes batch,kv_head,token,channel \\
                --rope-base 10000 --rope-layout halves --out capture.h5
              kvatlas import x.safetensors --pattern 'model.{layer}.{tensor}_cache' \\
                --axes token,kv_head,channel --layers 0-3 --out capture.h5
              kvatlas import gemma.npz --axes token,kv_head,channel --model-layers 26 \\
                --attention-window 4096:0,2,4 --attention-scale 0.0625 \\
                --logit-softcap 50 --out capture.h5
            """
    )

    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("The files.", valueName: "file"), completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("Axes of the arrays, slowest first.", valueName: "list"))
    var axes: String

    @Option(
        help: ArgumentHelp("The capture file to write.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"])
    )
    var out: String

    @Option(help: ArgumentHelp("How arrays are named, e.g. 'layer_{layer}_{tensor}'.", valueName: "pattern"))
    var pattern: String?

    @Option(help: ArgumentHelp("Tensors to import (default: all that are found).", valueName: "list"))
    var tensors: String?

    @Option(help: ArgumentHelp("Layers to import: all, or e.g. 0,7-9.", valueName: "list"))
    var layers: String = "all"

    @Option(
        help: ArgumentHelp("Array of token ids (default: tokens, tokens/id, token_ids, input_ids).", valueName: "name")
    )
    var tokens: String?

    @Option(
        name: .customLong("bits16"),
        help: ArgumentHelp(
            "What 16-bit integers stand for: bf16 or f16 (default: they are refused).",
            valueName: "type"
        )
    )
    var bits16: String?

    @Option(help: ArgumentHelp("How the capture stores numbers: f16 or f32.", valueName: "type"))
    var elementType: String = "f16"

    @Option(help: ArgumentHelp("Name of the model, for captions.", valueName: "name"))
    var modelName: String?

    @Option(help: ArgumentHelp("Architecture of the model, e.g. llama.", valueName: "name"))
    var architecture: String?

    @Option(help: ArgumentHelp("Layers of the model.", valueName: "n"))
    var modelLayers: Int?

    @Option(help: ArgumentHelp("Query heads.", valueName: "n"))
    var heads: Int?

    @Option(help: ArgumentHelp("Key/value heads.", valueName: "n"))
    var kvHeads: Int?

    @Option(help: ArgumentHelp("Base of RoPE; needed for keys before RoPE.", valueName: "number"))
    var ropeBase: Double?

    @Option(
        help: ArgumentHelp("Channels that RoPE turns together: halves is i with i + channels/2.", valueName: "name")
    )
    var ropeLayout: String?

    @Option(
        help: ArgumentHelp(
            "Tokens that layers see, 0 for all; may be given again for other layers.",
            valueName: "n[:layers]"
        )
    )
    var attentionWindow: [String] = []

    @Option(help: ArgumentHelp("Factor on scores (default: 1/sqrt(channels)).", valueName: "number"))
    var attentionScale: Double?

    @Option(help: ArgumentHelp("Scores s become c*tanh(s/c); 0 for none.", valueName: "c"))
    var logitSoftcap: Double?

    @Option(help: ArgumentHelp("Number of token ids.", valueName: "n"))
    var vocabulary: Int?

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func validate() throws {
        if files.isEmpty { throw ValidationError("at least one file is needed") }
        for (value, option) in [
            (modelLayers, "--model-layers"), (heads, "--heads"), (kvHeads, "--kv-heads"), (vocabulary, "--vocabulary"),
        ] { try validatePositive(value, option) }
    }

    func run() throws {
        try shared.apply()
        let options = try UsageError.wrap("import") { try makeOptions() }
        let selection = try UsageError.wrap("import") { try LayerSelection(parsing: layers) }
        Interruption.install()
        let source = try CaptureImport(files: files, options: options)
        let chosen: [Int]? = selection == .all ? nil : try selection.resolve(among: source.layersFound)
        let bar = ProgressBar("import", isQuiet: shared.quiet)
        let summary = try source.run(
            to: out,
            layers: chosen,
            overwrite: overwrite,
            command: CaptureProvenance.text(of: CommandLine.arguments),
            toolVersion: ToolVersion.current,
            progress: bar.update
        )
        bar.finish(
            "\(summary.result.tokens) tokens in \(summary.sequences) sequence(s), "
                + "layers \(LayerSelection.only(summary.layers).text), "
                + summary.tensors.map { $0.rawValue }.joined(separator: ", ")
        )
        for warning in summary.warnings { Terminal.printError("warning: \(warning)") }
        Terminal.printResult(out)
    }

    /// `4096`, or `4096:0,2-4` for some layers.
    private static func window(_ text: String) throws -> CaptureImport.AttentionWindow {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let tokens = parts.first.flatMap({ Int($0) }), tokens >= 0 else {
            throw ValidationError("--attention-window '\(text)': expected tokens, or tokens:layers as 4096:0,2-4")
        }
        guard parts.count == 2, case .only(let layers) = try LayerSelection(parsing: String(parts[1])) else {
            return CaptureImport.AttentionWindow(tokens: tokens)
        }
        return CaptureImport.AttentionWindow(tokens: tokens, layers: layers)
    }

    private func makeOptions() throws -> CaptureImport.Options {
        var options = CaptureImport.Options(axes: try ImportAxes(parsing: axes))
        options.pattern = pattern
        options.tensors = try tensors.map { try parseList($0, of: CapturedTensor.allCases, what: "tensor") }
        options.tokens = tokens
        options.bits16 = try bits16.map {
            try parseName($0, of: [ElementType.bfloat16, .float16], what: "type of 16 bits")
        }
        options.elementType = try parseName(elementType, of: [ElementType.float16, .float32], what: "element type")
        options.description.name = modelName
        options.description.architecture = architecture
        options.description.layers = modelLayers
        options.description.heads = heads
        options.description.kvHeads = kvHeads
        options.description.ropeBase = ropeBase
        options.description.ropeLayout = ropeLayout
        options.description.vocabulary = vocabulary
        options.description.attentionScale = attentionScale
        options.description.logitSoftcap = logitSoftcap
        options.description.attentionWindows = try attentionWindow.map(Self.window)
        return options
    }
}
