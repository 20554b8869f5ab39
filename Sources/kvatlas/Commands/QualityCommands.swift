import ArgumentParser
import Evaluation
import Experiments
import Foundation
import Inference
import Reporting
import TensorCore

/// What `perplexity` and `divergence` share.
struct QualityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The model: a GGUF file or a Hugging Face folder.", valueName: "path"),
        completion: .file()
    )
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
    var score: QualityStudySettings.Scoring = .secondHalf

    @Option(help: ArgumentHelp("Use at most this many windows.", valueName: "n"))
    var maxWindows: Int?

    @Option(help: "exact: the unscored tokens are a prompt, the rest comes in blocks; in-place: all at once, packed.")
    var mode: QualityStudySettings.Mode = .exact

    @Option(
        help: ArgumentHelp(
            "Tokens that come together in mode exact; 1 is generation itself, up to 64 have its products with codes.",
            valueName: "n"
        )
    )
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
    }

    private var byPosition: String? {
        out.map { path in path.hasSuffix(".csv") ? "\(path.dropLast(4))-by-position.csv" : "\(path)-by-position" }
    }

    /// Measures, writes the tables that are asked for, and prints some columns of the first.
    ///
    /// After Ctrl-C these are of the windows that were done, and the files' names end in `.partial`.
    func run(
        isCompared: Bool,
        columns: [String],
        shared: SharedOptions,
        cacheOptions: CacheOptions,
        command: String
    ) throws {
        try shared.apply()
        var options = cacheOptions
        // What the mode means, unless another is asked for, which is refused.
        options.prefill = cacheOptions.prefill ?? mode.prefill
        let specifications = try options.specifications(caches, model: model, shared: shared, command: command)
        let settings = try UsageError.wrap(command) { try makeSettings(specifications, isCompared: isCompared) }
        for path in [out, byPosition] {
            if let path {
                try refuseExisting(path, overwrite: overwrite)
                try refuseMissingFolder(of: path)
            }
        }
        let file = try TextFile.load(text)
        Interruption.install()
        let languageModel = try LanguageModel.opened(model)
        try UsageError.wrap(command) { try settings.validate(for: languageModel) }
        let bar = ProgressBar(command, isQuiet: shared.quiet)
        var partial: [Table]?
        do {
            let tables = try QualityStudy.run(
                model: languageModel,
                tokens: languageModel.encode(file.bytes),
                settings: settings,
                progress: bar.update,
                unfinished: { partial = $0 }
            )
            bar.finish("\(settings.caches.count) cache(s)")
            try show(tables, columns)
        } catch {
            if let partial {
                let windows = partial[0].rowViews.first?.integer("windows") ?? 0
                bar.finish("stopped after \(windows) window(s)")
                try show(partial, columns, suffix: ".partial")
            }
            throw error
        }
    }

    private func makeSettings(
        _ specifications: [CacheSpecification],
        isCompared: Bool
    ) throws -> QualityStudySettings {
        guard !specifications.isEmpty else { throw ValidationError("--caches names no cache") }
        var settings = QualityStudySettings(caches: specifications)
        settings.window = window
        settings.stride = stride
        settings.scoring = score
        settings.maximumWindows = maxWindows
        settings.mode = mode
        settings.blockTokens = block
        settings.isCompared = isCompared
        try settings.validate()
        return settings
    }

    private func show(_ tables: [Table], _ columns: [String], suffix: String = "") throws {
        for (table, path) in zip(tables, [out, byPosition]) {
            guard let path else { continue }
            try CSV.write(table, to: path + suffix)
            if !suffix.isEmpty { Terminal.printError("\(path + suffix): what was done") }
        }
        for row in tables[0].rowViews {
            guard let count = row.integer("non_finite_tokens"), count > 0 else { continue }
            Terminal.printError(
                "warning: \(count) of \(row.integer("tokens") ?? 0) tokens have logits that are not finite with "
                    + "\(row.string("cache") ?? ""), so it has no means"
            )
        }
        Terminal.printResult(NumberColumns(tables[0], columns).text)
    }
}

extension QualityStudySettings.Scoring: ExpressibleByArgument {}
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
        try options.run(
            isCompared: false,
            columns: ["cache", "tokens", "loss", "perplexity"],
            shared: shared,
            cacheOptions: cacheOptions,
            command: "perplexity"
        )
    }
}

struct DivergenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "divergence",
        abstract: "Measure how far caches take a model from what it says in full precision.",
        discussion: """
            For each scored token of a text: the Kullback-Leibler divergence of the next token's distribution from \
            that with a float32 cache, whether both find the same token the likeliest, and how the right token's \
            probability changes. All caches share the reference's pass. After Ctrl-C the windows that were done are \
            printed, and written to FILE.partial.

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
        try options.run(
            isCompared: true,
            columns: [
                "cache", "tokens", "perplexity", "divergence_mean", "divergence_median", "divergence_p99",
                "divergence_max", "top1_agreement", "probability_change",
            ],
            shared: shared,
            cacheOptions: cacheOptions,
            command: "divergence"
        )
    }
}
