import Inference
import Kernels

/// One cache's batch in a decode benchmark.
final class DecodeContestant {
    /// What is asked for.
    struct Entry {
        let specification: CacheSpecification
        let batch: Int
        let prompt: Int
        let steps: Int
        /// What the caches take at most, known before they are made.
        let cacheBytes: Int
        /// Within the budget, if there is one.
        let largestBatch: Int?

        var fits: Bool { batch > 0 && batch <= largestBatch ?? batch }
    }

    /// What was measured; nothing of a batch beyond the budget.
    struct Result {
        let entry: Entry
        let measured: Measured?
    }

    struct Measured {
        /// Seconds of each timed step, and of attention alone.
        let steps: [Double]
        let attention: [Double]
        /// Of all timed steps.
        var stepSeconds: Double { steps.reduce(0, +) }
        let promptBytes: CacheBytes
        /// After the last step.
        let bytes: CacheBytes
        /// The most that the pages took, of a layer's prompt before it was packed too.
        let peakBytes: Int
        /// What the resident set shrank by when the caches were given up, at full length.
        let residentBytes: Int?
    }

    private let entry: Entry
    private let shape: CacheShape
    private var arena: PageArena?
    private var caches: [any KVCache]
    private let promptBytes: CacheBytes
    private var steps: [Double] = []
    private var attention: [Double] = []
    private let clock = ContinuousClock()

    /// Fills a batch with copies of a text's keys and values, which share no memory.
    init(_ entry: Entry, _ template: FullCache) throws {
        let arena = PageArena()
        shape = template.shape
        caches = try entry.specification.caches(
            shape: template.shape,
            prompts: [Int](repeating: entry.prompt, count: entry.batch),
            capacities: [Int](repeating: entry.prompt + entry.steps, count: entry.batch),
            arena: arena
        )
        for cache in caches { try Self.fill(cache, from: template) }
        promptBytes = Self.bytes(caches)
        self.arena = arena
        self.entry = entry
    }

    private static func bytes(_ caches: [any KVCache]) -> CacheBytes {
        caches.reduce(CacheBytes()) { $0 + $1.bytes }
    }

    /// As the forward pass of a prompt does: a layer's tokens all come before any of them is packed.
    private static func fill(_ cache: any KVCache, from template: FullCache) throws {
        let shape = template.shape, width = shape.kvHeads * shape.headDim, step = LanguageModel.tokensPerBlock
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * step * width) { scratch in
            guard let keys = scratch.baseAddress else { return }
            let values = keys + step * width
            for layer in 0..<shape.layers {
                for first in stride(from: 0, to: template.length, by: step) {
                    let range = first..<min(template.length, first + step)
                    template.copy(layer: layer, tokens: range, keys: keys, values: values)
                    try cache.append(layer: layer, tokens: range.count, keys: keys, values: values)
                }
                try cache.settle(layer: layer)
            }
        }
    }

    /// One token more of each sequence.
    func step(_ token: Int32, _ model: LanguageModel, isTimed: Bool) throws {
        let tokens = [Int32](repeating: token, count: caches.count)
        let time = try clock.measure { _ = try model.step(tokens, caches: caches) }
        if isTimed { steps.append(time / .seconds(1)) }
    }

    /// A step's attention in all layers, with queries of ones.
    func attend() {
        let count = caches.count * shape.heads * shape.headDim
        let attention = Attention.Shape(heads: shape.heads, kvHeads: shape.kvHeads, channels: shape.headDim)
        let queries = [Float](repeating: 1, count: count)
        var output = queries
        let time = clock.measure {
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
        self.attention.append(time / .seconds(1))
    }

    /// Gives the caches up and says what they took.
    func finish() -> Measured {
        let bytes = Self.bytes(caches), peak = arena.map { bytes.total + $0.peakPageBytes - $0.pageBytes } ?? 0
        let before = ResidentMemory.bytes
        (caches, arena) = ([], nil)
        let after = ResidentMemory.bytes
        return Measured(
            steps: steps,
            attention: attention,
            promptBytes: promptBytes,
            bytes: bytes,
            peakBytes: peak,
            residentBytes: before.flatMap { before in after.map { before - $0 } }
        )
    }
}
