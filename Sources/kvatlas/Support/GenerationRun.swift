import Foundation
import Inference
import Kernels
import TensorCore
import Tokenizers

/// What `generate` did, for programs.
struct GenerationReport: Encodable {
    struct Sequence: Encodable {
        let prompt: String
        let promptTokens: Int
        let text: String
        let tokens: [Int32]
        let stopReason: Generation.StopReason
    }

    let model: String
    let cache: String
    /// What packed and simulated caches do; `nil` where it does not apply.
    let order: PackedCacheFormat.Order?
    let prefill: PackedCacheFormat.Prefill?
    let accuracy: Attention.Accuracy?
    let temperature: Double
    let topP: Double
    /// Prompt i draws from this plus i.
    let seed: UInt64
    /// Sequences of the largest batch.
    var batch = 0
    var sequences: [Sequence] = []
    var prefillSeconds = 0.0
    var decodeSeconds = 0.0
    var prefillTokens = 0
    /// All but the first of each sequence, which comes of its prompt.
    var decodedTokens = 0
    var drafted = 0
    var accepted = 0
    /// The most that the pages of one batch's caches took at one time.
    var peakCacheBytes = 0
    /// What they held at the end, of the batch that held the most.
    var finalCacheBytes = CacheBytes()

    var prefillTokensPerSecond: Double { prefillSeconds > 0 ? Double(prefillTokens) / prefillSeconds : 0 }
    var decodeTokensPerSecond: Double { decodeSeconds > 0 ? Double(decodedTokens) / decodeSeconds : 0 }

    private enum CodingKeys: String, CodingKey {
        case model, cache, order, prefill, accuracy, temperature, topP, seed, batch
        case sequences, prefillSeconds, decodeSeconds, prefillTokens, decodedTokens, drafted, accepted
        case peakCacheBytes, finalCacheBytes, prefillTokensPerSecond, decodeTokensPerSecond
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model, forKey: .model)
        try container.encode(cache, forKey: .cache)
        try container.encodeIfPresent(order, forKey: .order)
        try container.encodeIfPresent(prefill, forKey: .prefill)
        try container.encodeIfPresent(accuracy?.rawValue, forKey: .accuracy)
        try container.encode(temperature, forKey: .temperature)
        try container.encode(topP, forKey: .topP)
        try container.encode(seed, forKey: .seed)
        try container.encode(batch, forKey: .batch)
        try container.encode(sequences, forKey: .sequences)
        try container.encode(prefillSeconds, forKey: .prefillSeconds)
        try container.encode(decodeSeconds, forKey: .decodeSeconds)
        try container.encode(prefillTokens, forKey: .prefillTokens)
        try container.encode(decodedTokens, forKey: .decodedTokens)
        try container.encode(drafted, forKey: .drafted)
        try container.encode(accepted, forKey: .accepted)
        try container.encode(peakCacheBytes, forKey: .peakCacheBytes)
        try container.encode(finalCacheBytes, forKey: .finalCacheBytes)
        try container.encode(prefillTokensPerSecond, forKey: .prefillTokensPerSecond)
        try container.encode(decodeTokensPerSecond, forKey: .decodeTokensPerSecond)
    }
}

/// A prompt as the model reads it.
struct TokenizedPrompt {
    let prompt: Prompt
    let ids: [Int32]
}

/// The batches of one `generate`, one after the other.
struct GenerationRun {
    let model: LanguageModel
    let specification: CacheSpecification
    let generator: Generator
    let draftTokens: Int
    let maximumTokens: Int
    let budgetBytes: Int?
    private(set) var report: GenerationReport
    private(set) var isInterrupted = false

    init(
        model: LanguageModel,
        specification: CacheSpecification,
        sampling: Sampling,
        draftTokens: Int,
        isCancelled: @escaping () -> Bool,
        maximumTokens: Int,
        budgetBytes: Int?
    ) {
        self.model = model
        self.specification = specification
        generator = Generator(
            model: model,
            sampling: sampling,
            draftTokens: draftTokens,
            isCancelled: isCancelled
        )
        self.draftTokens = draftTokens
        self.maximumTokens = maximumTokens
        self.budgetBytes = budgetBytes
        report = GenerationReport(
            model: model.path,
            cache: specification.id,
            order: specification.order,
            prefill: specification.prefill,
            accuracy: specification.accuracy,
            temperature: sampling.temperature,
            topP: sampling.topP,
            seed: sampling.seed
        )
    }

    /// Refuses a prompt that is too long and a batch that takes too much, before another one has taken its time.
    ///
    /// - Throws: `PromptError`, `ModelError.memoryBudget`.
    func check(_ batches: [[TokenizedPrompt]]) throws {
        let context = model.configuration.contextLength
        for batch in batches {
            for prompt in batch {
                guard !prompt.ids.isEmpty else { throw PromptError.empty(place: prompt.prompt.place) }
                guard prompt.ids.count <= context else {
                    throw PromptError.tooLong(
                        place: prompt.prompt.place,
                        tokens: prompt.ids.count,
                        contextLength: context
                    )
                }
            }
            // They take memory as tokens come, so these take none.
            _ = try caches(batch, PageArena(budgetBytes: budgetBytes))
        }
    }

    private func caches(_ prompts: [TokenizedPrompt], _ arena: PageArena) throws -> [any KVCache] {
        let context = model.configuration.contextLength
        return try specification.caches(
            shape: model.configuration.cacheShape,
            prompts: prompts.map { $0.ids.count },
            capacities: prompts.map { $0.ids.count + min(context - $0.ids.count, maximumTokens) },
            step: 1 + draftTokens,
            arena: arena
        )
    }

    mutating func generate(_ prompts: [TokenizedPrompt], _ writer: GenerationWriter) throws {
        let arena = PageArena(budgetBytes: budgetBytes)
        let caches = try caches(prompts, arena), tokenizer = model.tokenizer
        // Of a batch of several nothing is streamed.
        try writer.begin(prompt: prompts[0].prompt.text)
        report.batch = max(report.batch, prompts.count)
        let (generations, times) = try generator.generate(
            prompts: prompts.map { $0.ids },
            maximumTokens: maximumTokens,
            caches: caches,
            firstStream: report.sequences.count
        ) { _, token in
            try writer.write(tokenizer.tokenBytes(token))
        }
        try writer.endText()
        // Ctrl-C has ended the texts where they were; what there is of them is kept.
        isInterrupted = Interruption.isRequested
        for (prompt, generation) in zip(prompts, generations) {
            let text = tokenizer.decodeText(generation.tokens)
            try writer.show(prompt: prompt.prompt.text, text: text)
            report.sequences.append(
                .init(
                    prompt: prompt.prompt.text,
                    promptTokens: prompt.ids.count,
                    text: text,
                    tokens: generation.tokens,
                    stopReason: generation.stopReason
                )
            )
            report.drafted += generation.drafted
            report.accepted += generation.accepted
        }
        report.prefillSeconds += times.prefill.seconds
        report.decodeSeconds += times.decode.seconds
        report.prefillTokens += times.promptTokens
        report.decodedTokens += times.decodedTokens
        // Caches that nobody reads any more may be gone, and their pages with them.
        let (bytes, pages) = withExtendedLifetime(caches) {
            (caches.reduce(CacheBytes()) { $0 + $1.bytes }, arena.pageBytes)
        }
        if bytes.total > report.finalCacheBytes.total { report.finalCacheBytes = bytes }
        report.peakCacheBytes = max(report.peakCacheBytes, bytes.total + arena.peakPageBytes - pages)
    }

    var summary: String {
        let bytes = report.finalCacheBytes
        var lines = [
            String(
                format: "prompt: %d tokens, %.1f tokens/s; generated: %d tokens, %.1f tokens/s",
                report.prefillTokens,
                report.prefillTokensPerSecond,
                report.sequences.reduce(0) { $0 + $1.tokens.count },
                report.decodeTokensPerSecond
            ),
            "cache \(report.cache): \(byteText(report.peakCacheBytes)) at its largest, \(byteText(bytes.total)) at the end "
                + "(codes \(byteText(bytes.codes)), scales \(byteText(bytes.scales)), full precision \(byteText(bytes.fullPrecision)), "
                + "unused \(byteText(bytes.unused)))",
        ]
        if report.drafted > 0 { lines.append("drafts: \(report.accepted) of \(report.drafted) right") }
        let reasons = Set(report.sequences.map { $0.stopReason })
        if reasons.contains(.contextFull) { lines.append("stopped where the model's context ends") }
        return lines.joined(separator: "\n")
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }
}
