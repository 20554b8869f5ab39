import ArgumentParser
import Benchmarks
import Experiments
import Foundation
import Inference
import Kernels
import Reporting
import TensorCore

struct BenchDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Time generation with several caches, batches and prompt lengths in one run.",
        discussion: """
            Caches take turns a step each. With --out FILE.csv the table is written, and FILE.svg beside it: memory \
            and speed against the batch, as in KIVI's Figure 5. After Ctrl-C the measurements that were done are \
            printed, and written to FILE.csv.partial.

            A model that does not fit here can be timed by its shape with random weights, few layers of it: \
            \(shapeNames). Its vocabulary is small, so that the output projection takes less than the model's would.

            A batch whose weights and caches could take more than --budget is left out, and its row has no times. The \
            budget is for one kind of cache: all kinds are in memory together, to take turns. 'largest' among \
            --batches measures each kind by itself with the largest batch within the budget.

            Examples:
              kvatlas bench decode --model model.gguf --text wiki.txt --prompts 512,8000 --batches 1,16
              kvatlas bench decode --model model.gguf --text wiki.txt --prompts 161 --steps 338 \\
                --batches 1,16,64 --budget 4GB --out decode.csv
              kvatlas bench decode --model model.gguf --text wiki.txt --prompts 161 --batches largest --budget 2GB
              kvatlas bench decode --shape llama-2-7b --layers 2 --prompts 2048
            """
    )

    private static let shapeNames = RandomModel.Shape.known.map { $0.name }.joined(separator: ", ")

    @OptionGroup var shared: SharedOptions

    @Option(
        help: ArgumentHelp("The model: a GGUF file or a Hugging Face folder.", valueName: "path"),
        completion: .file()
    )
    var model: String?

    @Option(
        help: ArgumentHelp("Instead of a model: a known one's sizes with random weights.", valueName: "name"),
        completion: .list(RandomModel.Shape.known.map { $0.name })
    )
    var shape: String?

    @Option(help: ArgumentHelp("Layers of --shape.", valueName: "n"))
    var layers: Int = 2

    @Option(
        help: ArgumentHelp("The text that is read (default: one of random bytes).", valueName: "file"),
        completion: .file()
    )
    var text: String?

    @Option(help: ArgumentHelp("Caches, separated by commas; speed-ups are over full-f16.", valueName: "list"))
    var caches: String = "full-f16,kivi-4-g32-r128,kivi-2-g32-r128,kivi-2-g32-r32"

    @OptionGroup var cacheOptions: CacheOptions

    @Option(help: ArgumentHelp("Sequences that are generated together; 'largest' needs --budget.", valueName: "list"))
    var batches: String = "1,4,16"

    @Option(help: ArgumentHelp("Tokens in each cache before the first step.", valueName: "list"))
    var prompts: String = "512,2048"

    @Option(help: ArgumentHelp("Steps that are timed.", valueName: "n"))
    var steps: Int = 32

    @Option(
        help: ArgumentHelp(
            "Leave out batches whose weights and one cache could take more, e.g. 4GB.",
            valueName: "bytes"
        )
    )
    var budget: ByteCount?

    @Option(
        help: ArgumentHelp("Also write the table as CSV, and the figure beside it.", valueName: "file.csv"),
        completion: .file(extensions: ["csv"])
    )
    var out: String?

    @Flag(help: "Replace the outputs if they exist.")
    var overwrite = false

    func validate() throws {
        guard (model == nil) != (shape == nil) else { throw ValidationError("give one of --model and --shape") }
        try validatePositive(layers, "--layers")
        try validatePositive(steps, "--steps")
        _ = try batchCounts()
        if includesLargest, budget == nil { throw ValidationError("--batches largest needs a --budget") }
        _ = try counts(prompts, "--prompts")
    }

    private static let largest = "largest"

    private var includesLargest: Bool { splitList(batches).contains(Self.largest) }

    private func batchCounts() throws -> [Int] {
        let sizes = splitList(batches).filter { $0 != Self.largest }
        return sizes.isEmpty && includesLargest ? [] : try counts(sizes.joined(separator: ","), "--batches")
    }

    private func counts(_ list: String, _ option: String) throws -> [Int] {
        let numbers = splitList(list).map { Int($0) }
        guard !numbers.isEmpty, let counts = numbers as? [Int], counts.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("\(option) takes whole numbers of at least 1 with commas between, not '\(list)'")
        }
        return counts
    }

    private var figurePath: String? { out.map { ($0.hasSuffix(".csv") ? String($0.dropLast(4)) : $0) + ".svg" } }

    func run() throws {
        try shared.apply()
        let specifications = try cacheOptions.specifications(
            caches,
            model: model,
            shared: shared,
            command: "bench decode"
        )
        guard !specifications.isEmpty else { throw ValidationError("--caches names no cache") }
        for path in [out, figurePath] {
            if let path {
                try refuseExisting(path, overwrite: overwrite)
                try refuseMissingFolder(of: path)
            }
        }
        let bytes = try text.map { try TextFile.load($0).bytes }
        Interruption.install()
        let (languageModel, weights, name) = try load()
        var benchmark = DecodeBenchmark(
            model: languageModel,
            tokens: bytes.map { languageModel.encode($0) } ?? randomTokens(languageModel),
            weights: weights,
            caches: specifications
        )
        benchmark.batches = try batchCounts()
        benchmark.measuresLargestBatch = includesLargest
        benchmark.prompts = try counts(prompts, "--prompts")
        benchmark.steps = steps
        benchmark.budgetBytes = budget?.bytes
        try UsageError.wrap("bench decode") { try benchmark.validate() }
        let bar = ProgressBar("decode, \(Parallel.threadCount) thread(s)", isQuiet: shared.quiet)
        var partial: Table?
        do {
            let table = try benchmark.run(progress: bar.update, unfinished: { partial = $0 })
            let leftOut = table.rowViews.filter { $0.number("step_seconds") == nil }
            bar.finish("\(table.rows.count - leftOut.count) measurement(s)")
            for row in leftOut { Terminal.printError(note(row)) }
            if let out { try CSV.write(table, to: out) }
            if let figurePath, leftOut.count < table.rows.count { try draw(table, of: name, to: figurePath) }
            show(table, weights)
        } catch {
            if let partial {
                bar.finish("stopped after \(partial.rows.count) measurement(s)")
                if let out {
                    try CSV.write(partial, to: out + ".partial")
                    Terminal.printError("\(out).partial: what was done")
                }
                show(partial, weights)
            }
            throw error
        }
    }

    private func draw(_ table: Table, of name: String, to path: String) throws {
        let context = FigureContext(model: name, text: text.map { fileName($0) } ?? "random bytes", tokens: nil)
        let svg = try FigureCatalogue.figure(id: MemoryThroughput.id, tables: ["decode": table], context: context)
        try AtomicFile.write(svg, to: path)
    }

    private func show(_ table: Table, _ weights: String) {
        let columns = [
            "cache", "batch", "prompt_tokens", "tokens_per_second", "speed_up", "attention_seconds",
            "attention_speed_up", "step_spread", "compression", "cache_bytes", "resident_bytes", "peak_bytes",
            "largest_batch",
        ]
        Terminal.printResult(NumberColumns(table, columns).text)
        if weights != "real" { Terminal.printResult("Weights: \(weights).") }
    }

    private func note(_ row: Table.RowView) -> String {
        let cache = row.string("cache") ?? "", batch = row.integer("batch") ?? 0
        let prompt = row.integer("prompt_tokens") ?? 0, needed = row.integer("needed_bytes") ?? 0
        return "left out: \(cache), batch \(batch), \(prompt) tokens: it could take \(byteText(needed)), the budget is "
            + "\(byteText(row.integer("budget_bytes") ?? 0)), in which \(row.integer("largest_batch") ?? 0) sequence(s) fit"
    }

    private func load() throws -> (LanguageModel, weights: String, name: String) {
        if let model {
            let loaded = try LanguageModel.opened(model)
            return (loaded, "real", loaded.configuration.name)
        }
        let name = shape ?? ""
        let known = RandomModel.Shape.known
        guard var sizes = known.first(where: { $0.name == name })?.shape else {
            let error = UnknownNameError(what: "shape", name: name, allowed: known.map { $0.name })
            throw UsageError(command: "bench decode", underlying: error)
        }
        sizes.layers = layers
        let seed: UInt64 = 1
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".gguf").path
        // The file stays mapped when its name is gone.
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RandomModel.write(path: path, seed: seed, shape: sizes, elementType: .float16)
        let loaded = try LanguageModel(path: path), vocabulary = loaded.configuration.vocabularySize
        let weights = "random, seed \(seed), float16, \(layers) layers of \(name), vocabulary of \(vocabulary)"
        return (loaded, weights, "\(name), \(layers) layers")
    }

    private func randomTokens(_ model: LanguageModel) -> [Int32] {
        var generator = SeededGenerator(seed: 2)
        return (0..<4096).map { _ in Int32(generator.next() % UInt64(model.configuration.vocabularySize)) }
    }
}
