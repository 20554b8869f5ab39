import Inference
import Kernels
import TensorCore

/// Times generation with several caches, batches and prompt lengths, in one run.
///
/// Caches of one batch and length take turns a step each, so that what disturbs the machine disturbs all alike. Their
/// prompts are real: a text goes through the model once, and its keys and values are copied to each sequence, none
/// of which shares memory with another.
public struct DecodeBenchmark {
    public var caches: [CacheSpecification]
    public var batches = [1, 4, 16]
    /// Tokens in each cache before the first step.
    public var prompts = [512, 2048, 8000]
    /// Steps that are timed.
    public var steps = 32
    /// Bytes that weights and caches of one measurement may take; larger batches are left out.
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

    /// - Throws: `ModelError` for lengths beyond the model's context.
    public func validate() throws {
        let longest = (prompts.max() ?? 0) + steps, context = model.configuration.contextLength
        guard longest <= context else {
            throw ModelError.contextOverflow(held: longest - steps, added: steps, contextLength: context)
        }
        guard !tokens.isEmpty else { throw ModelError.noTokens }
    }

    /// The table `decode`, a row a cache, batch and prompt length.
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
        let total = Double(prompts.count * batches.count)
        var done = 0.0
        for prompt in prompts.sorted() {
            let template = try template(prompt) { try progress((done + 0.3 * $0) / total) }
            for batch in batches.sorted() {
                let rows = try measure(prompt: prompt, batch: batch, template) {
                    try progress((done + 0.3 + 0.7 * $0) / total)
                }
                for row in rows { table.append(row) }
                done += 1
            }
        }
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

    private func fill(_ cache: any KVCache, from template: FullCache) throws {
        let shape = template.shape, width = shape.kvHeads * shape.headDim, step = 512
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * step * width) { scratch in
            guard let keys = scratch.baseAddress else { return }
            let values = keys + step * width
            for layer in 0..<shape.layers {
                for first in stride(from: 0, to: template.length, by: step) {
                    let range = first..<min(template.length, first + step)
                    template.copy(layer: layer, tokens: range, keys: keys, values: values)
                    try cache.append(layer: layer, tokens: range.count, keys: keys, values: values)
                    try cache.settle(layer: layer)
                }
            }
        }
    }

    /// One cache's batch, and its times.
    private struct Contestant {
        let specification: CacheSpecification
        let caches: [any KVCache]
        /// After the prompt.
        let bytes: CacheBytes
        let residentBytes: Int?
        var steps: [Double] = []
        var attention: [Double] = []
    }

    private func measure(
        prompt: Int,
        batch: Int,
        _ template: FullCache,
        progress: (Double) throws -> Void
    ) throws -> [[Table.Value]] {
        let shape = model.configuration.cacheShape, capacity = prompt + steps
        var contestants: [Contestant] = []
        for specification in caches {
            let one = try specification.cache(shape: shape, capacity: capacity).pageBytes(atLength: capacity)
            if let budgetBytes, model.weightBytes + batch * one > budgetBytes { continue }
            let before = ResidentMemory.bytes
            let caches = try specification.caches(
                shape: shape,
                capacities: [Int](repeating: capacity, count: batch)
            )
            for cache in caches { try fill(cache, from: template) }
            let growth = ResidentMemory.bytes.flatMap { after in before.map { after - $0 } }
            contestants.append(
                Contestant(
                    specification: specification,
                    caches: caches,
                    bytes: caches.reduce(CacheBytes()) { $0 + $1.bytes },
                    residentBytes: growth
                )
            )
        }
        let clock = ContinuousClock()
        // The first step warms up.
        for step in 0..<steps {
            let next = [Int32](repeating: token(prompt + step), count: batch)
            for index in contestants.indices {
                let caches = contestants[index].caches
                let time = try clock.measure { _ = try model.step(next, caches: caches) }
                if step > 0 || steps == 1 { contestants[index].steps.append(time / .seconds(1)) }
                // Attention alone, a few times.
                if step % 8 == 1 || steps == 1 {
                    contestants[index].attention.append(clock.measure { attend(caches) } / .seconds(1))
                }
            }
            try progress(Double(step + 1) / Double(steps))
        }
        let rival = contestants.first { $0.specification.id == "full-f16" }
        return contestants.map { contestant in
            DecodeTable.row(
                cache: contestant.specification.id,
                batch: batch,
                prompt: prompt,
                steps: .init(contestant.steps, rival: rival?.steps),
                attention: .init(contestant.attention, rival: rival?.attention),
                bytes: contestant.bytes,
                rivalBytes: rival?.bytes,
                residentBytes: contestant.residentBytes,
                weightBytes: model.weightBytes,
                largestBatch: budgetBytes.map {
                    max(0, $0 - model.weightBytes) / contestant.caches[0].pageBytes(atLength: capacity)
                },
                weights: weights
            )
        }
    }

    /// A step's attention in all layers, with queries of ones.
    private func attend(_ caches: [any KVCache]) {
        let shape = model.configuration.cacheShape, count = caches.count * shape.heads * shape.headDim
        let attention = Attention.Shape(heads: shape.heads, kvHeads: shape.kvHeads, channels: shape.headDim)
        let queries = [Float](repeating: 1, count: count)
        var output = queries
        for layer in 0..<shape.layers {
            Attention.causal(
                queries: queries,
                rows: 1,
                sequences: caches.map { $0.sequence(layer: layer) },
                shape: attention,
                accuracy: caches[0].accuracy,
                into: &output
            )
        }
    }
}
