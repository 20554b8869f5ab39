import ArgumentParser
import Evaluation
import Experiments
import Foundation
import Inference
import Reporting
import TensorCore

/// What `perplexity` and `divergence` share.
struct QualityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model, a GGUF file.", valueName: "file"), completion: .file(extensions: ["gguf"]))
    var model: String

    @Option(help: ArgumentHelp("The text, UTF-8.", valueName: "file"), completion: .file())
    var text: String

    @Option(help: ArgumentHelp("Caches, separated by commas.", valueName: "list"))
    var caches: String = "full-f32,full-f16,kivi-4-g32-r128,kivi-2-g32-r128"

    @Option(help: ArgumentHelp("Tokens of a window; each is a sequence of its own.", valueName: "n"))
    var window: Int = 512

    @Option(help: ArgumentHelp("Tokens from one window's begin to the next's (default: the window).", valueName: "n"))
    var stride: Int?

    @Option(help: "Which tokens count: second-half (as llama.cpp does) or all.")
    var score: Perplexity.Scoring = .secondHalf

    @Option(help: ArgumentHelp("Use at most this many windows.", valueName: "n"))
    var maxWindows: Int?

    @Option(help: "exact: the unscored tokens are a prompt, the rest comes in blocks; in-place: all at once, packed.")
    var mode: QualityStudySettings.Mode = .exact

    @Option(help: ArgumentHelp("Tokens that come together in mode exact; 1 is generation itself.", valueName: "n"))
    var block: Int = 32

    @Option(
        help: ArgumentHelp("Also write CSV: FILE, and FILE-by-position beside it.", valueName: "file.csv"),
        completion: .file(extensions: ["csv"])
    )
    var out: String?

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func validate() throws {
        for (value, option) in [
            (window, "--window"), (stride, "--stride"), (maxWindows, "--max-windows"), (block, "--block"),
        ] as [(Int?, String)] {
            try validatePositive(value, option)
        }
        if window < 2 { throw ValidationError("--window must be at least 2, not \(window)") }
    }

    private var byPosition: String? {
        out.map { path in path.hasSuffix(".csv") ? "\(path.dropLast(4))-by-position.csv" : "\(path)-by-position" }
    }

    func run(isCompared: Bool, shared: SharedOptions, cacheOptions: CacheOptions, command: String) throws -> Table {
        try shared.apply()
        var options = cacheOptions
        if mode == .inPlace { options.prefill = .inPlace }
        let specifications = try splitList(caches).map { try options.specification($0, command: command) }
        guard !specifications.isEmpty else { throw ValidationError("--caches names no cache") }
        for path in [out, byPosition] { if let path { try refuseExisting(path, overwrite: overwrite) } }
        var settings = QualityStudySettings(caches: specifications)
        settings.window = window
        settings.stride = stride
        settings.scoring = score
        settings.maximumWindows = maxWindows
        settings.mode = mode
        settings.blockTokens = block
        settings.isCompared = isCompared
        let file = try TextFile.load(text)
        Interruption.install()
        let languageModel = try LanguageModel(path: model)
        let bar = ProgressBar(command, isQuiet: shared.quiet)
        let tables = try QualityStudy.run(
            model: languageModel,
            tokens: languageModel.encode(file.bytes),
            settings: settings,
            progress: bar.update
        )
        bar.finish("\(specifications.count) cache(s)")
        if let out { try CSV.write(tables[0], to: out) }
        if let byPosition { try CSV.write(tables[1], to: byPosition) }
        return tables[0]
    }
}

extension Perplexity.Scoring: ExpressibleByArgument {}
extension QualityStudySettings.Mode: ExpressibleByArgument {}

struct PerplexityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "Score how well a model predicts a text with each of several caches.",
        discussion: """
            Caches: \(CacheSpecification.grammar).

            Examples:
              kvatlas perplexity --model model.gguf --text wiki.txt --caches full-f16,kivi-2-g32-r128
              kvatlas perplexity --model model.gguf --text wiki.txt --caches full-f32 --score all --max-windows 20
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var options: QualityOptions
    @OptionGroup var cacheOptions: CacheOptions

    func run() throws {
        let table = try options.run(
            isCompared: false,
            shared: shared,
            cacheOptions: cacheOptions,
            command: "perplexity"
        )
        Terminal.printResult(NumberColumns(table, ["cache", "tokens", "loss", "perplexity"]).text)
    }
}

struct DivergenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "divergence",
        abstract: "Measure how far caches take a model from what it says in full precision.",
        discussion: """
            For each scored token of a text: the Kullback-Leibler divergence of the next token's distribution from
            that with a float32 cache, whether both find the same token the likeliest, and how the right token's
            probability changes. All caches share the reference's pass.

            Caches: \(CacheSpecification.grammar).

            Examples:
              kvatlas divergence --model model.gguf --text wiki.txt --caches kivi-4-g32-r128,kivi-2-g32-r128
              kvatlas divergence --model model.gguf --text wiki.txt --max-windows 20 --out quality.csv
              kvatlas divergence --model model.gguf --text wiki.txt --mode in-place \\
                --caches simulated:rtn-int2-channel-g32/rtn-int2-token-g32,simulated:rtn-int2-token-g32
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var options: QualityOptions
    @OptionGroup var cacheOptions: CacheOptions

    func run() throws {
        let table = try options.run(
            isCompared: true,
            shared: shared,
            cacheOptions: cacheOptions,
            command: "divergence"
        )
        let columns = [
            "cache", "tokens", "perplexity", "divergence_mean", "divergence_median", "divergence_p99", "divergence_max",
            "top1_agreement", "probability_change",
        ]
        Terminal.printResult(NumberColumns(table, columns).text)
    }
}

/// Some columns of a table for people: numbers end below each other.
struct NumberColumns {
    let text: String

    init(_ table: Table, _ names: [String]) {
        let rows = table.rowViews.map { row in
            names.map { name in
                switch row[name] {
                case .string(let text): text
                case .integer(let value): "\(value)"
                case .number(let value): Self.text(value)
                case .missing: "-"
                }
            }
        }
        let all = [names] + rows
        let widths = names.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        text =
            TextColumns(
                all.map { row in
                    row.enumerated().map { column, cell in
                        column == 0 ? cell : String(repeating: " ", count: widths[column] - cell.count) + cell
                    }
                }
            ).text
    }

    private static func text(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e5) { return String(format: "%.2e", value) }
        return String(format: "%.4f", value)
    }
}
