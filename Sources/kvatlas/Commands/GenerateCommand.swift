import ArgumentParser
import Experiments
import Foundation
import Inference
import Kernels
import Tokenizers

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Continue a text with a model and a full or a low-bit cache.",
        discussion: """
            Text goes to stdout as it comes, times and the cache's bytes to stderr. All prompts are checked before the \
            first is read. Ctrl-C ends the texts where they are, and the prompts after them are left out; the JSON has \
            what there is, and the exit code is 130.

            Caches: \(CacheSpecification.grammar).

            Examples:
              kvatlas generate --model model.gguf --prompt "Once upon a time" --cache kivi-2-g32-r128
              kvatlas generate --model model.gguf --chat --prompt "Why is the sky blue?"
              kvatlas generate --model model.gguf --prompts questions.txt --batch 8 --json answers.json
              kvatlas generate --model model.gguf --prompt-file long.txt --max-tokens 100 --draft 8
            """
    )

    @OptionGroup var shared: SharedOptions

    @Option(
        help: ArgumentHelp("The model: a GGUF file or a Hugging Face folder.", valueName: "path"),
        completion: .file()
    )
    var model: String

    @Option(help: ArgumentHelp("The cache.", valueName: "name"))
    var cache: String = "full-f16"

    @OptionGroup var cacheOptions: CacheOptions

    @Option(help: ArgumentHelp("The text to continue.", valueName: "text"))
    var prompt: String?

    @Option(help: ArgumentHelp("A file whose whole text is the prompt.", valueName: "file"), completion: .file())
    var promptFile: String?

    @Option(help: ArgumentHelp("A file with a prompt a line.", valueName: "file"), completion: .file())
    var prompts: String?

    @Option(help: ArgumentHelp("Sequences that are generated together.", valueName: "n"))
    var batch: Int = 1

    @Flag(
        help: ArgumentHelp(
            "Each prompt is a message to an instruction-tuned model. Llama 3.1 and after are told their template's own "
                + "day, 26 Jul 2024, so that answers do not change with the calendar."
        )
    )
    var chat = false

    @Option(help: ArgumentHelp("Tokens to generate for each prompt, at most.", valueName: "n"))
    var maxTokens: Int = 256

    @Option(help: "0 takes the likeliest token; higher is wilder.")
    var temperature: Double = 0

    @Option(
        help: ArgumentHelp(
            "With a temperature: draw from the likeliest tokens whose probabilities reach this sum (default: 1).",
            valueName: "p"
        )
    )
    var topP: Double?

    @Option(help: "With a temperature: of the draws (default: 0); prompt i uses the seed plus i.")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Guess up to n tokens a step from the text so far and check them in one pass; one sequence at a time.",
            valueName: "n"
        )
    )
    var draft: Int = 0

    @Option(help: ArgumentHelp("Refuse to begin if the cache could take more, e.g. 500MB.", valueName: "bytes"))
    var budget: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Also write texts, tokens, times and bytes as JSON; - for stdout, alone.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var json: String?

    @Flag(help: "Replace the JSON file if it exists.")
    var overwrite = false

    func validate() throws {
        try validatePositive(batch, "--batch")
        try validatePositive(maxTokens, "--max-tokens")
        guard [prompt, promptFile, prompts].filter({ $0 != nil }).count == 1 else {
            throw ValidationError("give one of --prompt, --prompt-file and --prompts")
        }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature must be 0 or more, not \(temperature)")
        }
        if let topP {
            guard topP > 0, topP <= 1 else {
                throw ValidationError("--top-p must be above 0 and at most 1, not \(topP)")
            }
            guard temperature > 0 else {
                throw ValidationError("--top-p chooses what is drawn from; without a --temperature nothing is drawn")
            }
        }
        if seed != nil, temperature == 0 {
            throw ValidationError("--seed is of the draws; without a --temperature nothing is drawn")
        }
        if splitList(cache).count != 1 { throw ValidationError("--cache takes one name, not '\(cache)'") }
        if draft < 0 { throw ValidationError("--draft must be 0 or more, not \(draft)") }
        if draft > 0, batch > 1 {
            throw ValidationError("--draft works on one sequence at a time, not --batch \(batch)")
        }
    }

    func run() throws {
        try shared.apply()
        let specifications = try cacheOptions.specifications(
            cache,
            model: model,
            shared: shared,
            command: "generate"
        )
        let sampling = try UsageError.wrap("generate") {
            temperature == 0
                ? Sampling.greedy : try Sampling(temperature: temperature, topP: topP ?? 1, seed: seed ?? 0)
        }
        let prompts = try readPrompts()
        if let json, json != "-" {
            try refuseExisting(json, overwrite: overwrite)
            try refuseMissingFolder(of: json)
        }
        let languageModel = try LanguageModel.opened(model)
        let tokenized = try tokenized(prompts, languageModel)
        let batches = stride(from: 0, to: tokenized.count, by: batch).map {
            Array(tokenized[$0..<$0 + min(batch, tokenized.count - $0)])
        }
        Interruption.install()
        var run = GenerationRun(
            model: languageModel,
            specification: specifications[0],
            sampling: sampling,
            draftTokens: draft,
            isCancelled: { Interruption.isRequested },
            maximumTokens: maxTokens,
            budgetBytes: budget?.bytes
        )
        try run.check(batches)
        let writer = GenerationWriter(
            isSilent: json == "-",
            isStreaming: batches[0].count == 1,
            isLabelled: tokenized.count > 1
        )
        for batch in batches where !run.isInterrupted && !writer.isClosed {
            try run.generate(batch, writer)
        }
        if !shared.quiet { Terminal.printError(run.summary) }
        if json == "-" {
            try printJSON(run.report)
        } else if let json {
            let path = run.isInterrupted ? json + ".partial" : json
            try AtomicFile.write(jsonText(run.report) + "\n", to: path)
            if run.isInterrupted { Terminal.printError("\(path): what was done") }
        }
        if run.isInterrupted { throw Interrupted() }
    }

    private func readPrompts() throws -> [Prompt] {
        if let prompt { return [Prompt(text: prompt, place: "--prompt")] }
        if let promptFile { return [try Prompt.whole(promptFile)] }
        return try Prompt.lines(prompts ?? "")
    }

    private func tokenized(_ prompts: [Prompt], _ model: LanguageModel) throws -> [TokenizedPrompt] {
        let template = chat ? try model.chatTemplate() : nil
        return prompts.map { prompt in
            let whole = template?.prompt(user: prompt.text) ?? prompt.text
            return TokenizedPrompt(
                prompt: prompt,
                ids: model.encode(Array(whole.utf8), parseSpecial: template != nil)
            )
        }
    }
}
