import Inference
import TensorCore

/// Times generation with several caches, batches and prompt lengths, in one run.
///
/// Caches of one batch and length take turns a step each, so that what disturbs the machine disturbs all alike. Their
/// prompts are real: a text goes through the model once, and its keys and values are copied to each sequence, none
/// of which shares memory with another.
public struct DecodeBenchmark {
    public var caches: [CacheSpecification]
    public var batches = [1, 4, 16]
    /// Whether each cache is also measured, alone, with the largest batch that the budget has room for.
    public var measuresLargestBatch = false
    /// Tokens in each cache before the first step.
    public var prompts = [512, 2048, 8000]
    /// Steps that are timed.
    public var steps = 32
    /// Bytes that the weights and the caches of one batch may take; larger batches are left out. All kinds of caches of
    /// a batch are in memory together to take turns, so that the process takes more.
    public var budgetBytes: Int?

    private let model: LanguageModel
    private let tokens: [Int32]
    private let weights: String

    /// - Parameters:
    ///   - tokens: what is read; repeated if it is too short.
    ///   - weights: what the output says of the weights, `real` or how they were made.
    public init(model: LanguageModel, tokens: [Int32], weights: String, caches: [CacheSpecification]) {
        self.model = model
        self.tokens = tokens
        self.weights = weights
        self.caches = caches
    }

    /// - Throws: `ModelError` for lengths beyond the model's context, or a largest batch without a budget.
    public func validate() throws {
        let longest = (prompts.max() ?? 0) + steps, context = model.configuration.contextLength
        guard longest <= context else {
            throw ModelError.contextOverflow(held: longest - steps, added: steps, contextLength: context)
        }
        guard !tokens.isEmpty else { throw ModelError.noTokens }
        if measuresLargestBatch && budgetBytes == nil {
            throw ModelError.invalidSetting(name: "batch", value: "the largest", expected: "a budget that limits it")
        }
    }

    /// The table `decode`, a row a cache, batch and prompt length; without times for batches beyond the budget.
    ///
    /// - Parameters:
    ///   - progress: told the part done; what it throws ends the run.
    ///   - unfinished: takes the rows that were done if the run ends early and there are any.
    public func run(
        progress: (Double) throws -> Void = { _ in },
        unfinished: (Table) -> Void = { _ in }
    ) throws -> Table {
        try validate()
        var table = DecodeTable.empty
        do {
            try measure(into: &table, progress)
        } catch {
            if !table.rows.isEmpty { unfinished(table) }
            throw error
        }
        return table
    }

    private func measure(into table: inout Table, _ progress: (Double) throws -> Void) throws {
        let parts = batches.count + (measuresLargestBatch ? caches.count : 0)
        let total = Double(prompts.count * parts)
        var done = 0.0
        for prompt in prompts.sorted() {
            let template = try template(prompt) { try progress((done + 0.3 * $0) / total) }
            func measure(_ entries: [DecodeContestant.Entry]) throws -> [DecodeContestant.Result] {
                defer { done += 1 }
                return try self.measure(entries, template) { try progress((done + 0.3 + 0.7 * $0) / total) }
            }
            for batch in batches.sorted() {
                let results = try measure(try caches.map { try entry($0, prompt: prompt) { _ in batch } })
                for row in DecodeTable.rows(results, context) { table.append(row) }
            }
            guard measuresLargestBatch else { continue }
            // One after the other: together they would take as many budgets.
            let largest = try caches.flatMap { try measure([try entry($0, prompt: prompt) { $0 ?? 0 }]) }
            for row in DecodeTable.rows(largest, context) { table.append(row) }
        }
    }

    private var context: DecodeTable.Context {
        .init(weights: weights, weightBytes: model.weightBytes, budgetBytes: budgetBytes)
    }

    /// - Parameter batch: from the largest batch within the budget, if there is one.
    private func entry(
        _ specification: CacheSpecification,
        prompt: Int,
        batch: (Int?) -> Int
    ) throws -> DecodeContestant.Entry {
        let capacity = prompt + steps
        let one = try specification.cache(shape: model.configuration.cacheShape, capacity: capacity)
            .peak(prompt: prompt, capacity: capacity, step: 1)
        let largest = budgetBytes.map { one.count(within: $0 - model.weightBytes) }
        let count = batch(largest)
        return DecodeContestant.Entry(
            specification: specification,
            batch: count,
            prompt: prompt,
            steps: steps,
            cacheBytes: (0..<count).reduce(CachePeak()) { sum, _ in sum + one }.bytes,
            largestBatch: largest
        )
    }

    private func token(_ index: Int) -> Int32 { tokens[index % tokens.count] }

    /// The text's keys and values in full precision.
    private func template(_ prompt: Int, progress: (Double) throws -> Void) throws -> FullCache {
        let cache = FullCache(shape: model.configuration.cacheShape, capacity: prompt)
        let step = LanguageModel.tokensPerBlock
        for first in stride(from: 0, to: prompt, by: step) {
            let end = min(prompt, first + step)
            let done = Double(first) / Double(prompt)
            try model.forward((first..<end).map { token($0) }, cache: cache, logits: .none) { try progress(done) }
        }
        return cache
    }

    private func measure(
        _ entries: [DecodeContestant.Entry],
        _ template: FullCache,
        progress: (Double) throws -> Void
    ) throws -> [DecodeContestant.Result] {
        // Those without a batch are left out, and their rows say so.
        let contestants = try entries.map { $0.fits ? try DecodeContestant($0, template) : nil }
        // The first step warms up.
        for step in 0..<steps {
            for contestant in contestants {
                try contestant?.step(token(template.length + step), model, isTimed: step > 0 || steps == 1)
                if step > 0 || steps == 1 { contestant?.attend() }
            }
            try progress(Double(step + 1) / Double(steps))
        }
        return zip(entries, contestants).map { entry, contestant in
            DecodeContestant.Result(entry: entry, measured: contestant?.finish())
        }
    }
}
