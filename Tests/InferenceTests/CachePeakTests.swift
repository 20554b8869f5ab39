import Inference
import Kernels
import Quantization
import TensorCore
import Testing

/// What a cache takes at most is known before it is made: never less than what it comes to take, and little more.
@Suite struct CachePeakTests {
    private static let shape = CacheShape(layers: 4, kvHeads: 2, queriesPerHead: 3, headDim: 32)

    private static let kinds =
        [
            "full-f16", "kivi-2-g32-r128", "kivi-4-g32-r64", "kivi-8-g16-r48", "rtn-int4-token-g32",
            "rtn-int4-channel-g32/rtn-int4-token-g32+window=10",
            "rtn-int2-channel-g64/rtn-int2-token-g32+residual=1088", "simulated:kivi-2-g32-r32",
        ].map { CacheDrive.Kind(name: $0) } + [
            .init(name: "kivi-2-g32-r32", prefill: .inPlace), .init(name: "kivi-2-g32-r128", order: .beforeAttention),
        ]

    /// What a forward pass, and then steps, do to a cache.
    private struct Life {
        let cache: any KVCache
        private let rows: [Float]

        init(_ cache: any KVCache, capacity: Int) {
            self.cache = cache
            rows = [Float](repeating: 1, count: max(capacity, 1) * cache.shape.kvHeads * cache.shape.headDim)
        }

        func prompt(_ tokens: Int) throws {
            let block = LanguageModel.tokensPerBlock
            for layer in 0..<cache.shape.layers {
                for first in stride(from: 0, to: tokens, by: block) {
                    try cache.append(layer: layer, tokens: min(block, tokens - first), keys: rows, values: rows)
                }
                try cache.settle(layer: layer)
            }
        }

        func steps(to length: Int) throws {
            while cache.length < length {
                for layer in 0..<cache.shape.layers {
                    try cache.append(layer: layer, tokens: 1, keys: rows, values: rows)
                }
                try cache.settle()
            }
        }
    }

    private func peak(_ kind: CacheDrive.Kind, prompt: Int, capacity: Int) throws -> CachePeak {
        try kind.specification().cache(shape: Self.shape, capacity: capacity)
            .peak(prompt: prompt, capacity: capacity, step: 1)
    }

    private func pages(_ kind: CacheDrive.Kind) throws -> (layer: Int, all: Int) {
        guard !kind.name.hasPrefix("full"), !kind.name.hasPrefix("simulated") else { return (0, 0) }
        let format = try PackedCacheFormat(CacheScheme(parsing: kind.name)), channels = Self.shape.headDim
        // A packed page of 1,024 tokens and two window pages, of keys and values.
        let layer = [format.key, format.value].reduce(0) { sum, side in
            let bits = side.bits * 1024 * channels / 8, scales = 1024 * channels / min(side.groupSize, channels) * 4
            return sum + Self.shape.kvHeads * (bits + scales + 2 * 32 * channels * 2)
        }
        return (layer, layer * Self.shape.layers)
    }

    @Test(arguments: kinds)
    func aBudgetOfTheBoundIsEnoughAndLittleMore(_ kind: CacheDrive.Kind) throws {
        let slack = try pages(kind)
        for prompt in [1, 640, 2050] {
            for capacity in [128, 255, 257, 1151, 1152, 1153, 1280, 2303, 2304, 2305]
            where capacity >= prompt {
                let bound = try peak(kind, prompt: prompt, capacity: capacity).bytes
                let arena = PageArena(budgetBytes: bound)
                let cache = try kind.specification().cache(shape: Self.shape, capacity: capacity, arena: arena)
                let life = Life(cache, capacity: prompt)
                try life.prompt(prompt)
                try life.steps(to: capacity)
                let place: Comment = "\(prompt) to \(capacity): \(bound), \(arena.peakPageBytes)"
                // A few pages of one layer; and where the last tokens began a large page, a cache that is cut may have
                // it beside a window, in all layers.
                #expect(bound - arena.peakPageBytes <= slack.layer + slack.all / 4, place)
                // Cut anywhere, not below the prompt, and filled again.
                for cut in [capacity - 1, capacity - 31, capacity - 33, capacity - 97, capacity - 129, prompt]
                where cut >= prompt {
                    try cache.truncate(to: cut)
                    try life.steps(to: min(capacity, cut + 150))
                    try life.steps(to: capacity)
                }
                #expect(cache.length == capacity && arena.peakPageBytes <= bound)
            }
        }
    }

    @Test(arguments: ["kivi-2-g32-r128", "full-f16", "rtn-int4-token-g32"], [0, 6])
    func aModelGeneratesToTheEndWithinTheBound(_ name: String, _ drafts: Int) throws {
        // Some random models choose the end token before long.
        let longest = try (3...6).map { try generate(name, drafts: drafts, seed: $0) }.max()
        #expect(longest == 260)
    }

    /// The greatest number of tokens of a text.
    private func generate(_ name: String, drafts: Int, seed: UInt64) throws -> Int {
        var sizes = RandomModel.Shape()
        sizes.contextLength = 2048
        return try TestModels.withRandomModel(seed: seed, shape: sizes) { path in
            let model = try LanguageModel(path: path), specification = try CacheSpecification(parsing: name)
            let shape = model.configuration.cacheShape, phrase = (0..<50).map { Int32($0 * 5 % 250) }
            let long = [[Int32]](repeating: phrase, count: 24).flatMap { $0 }
            let prompts: [[Int32]] = drafts > 0 ? [phrase + phrase] : [long, phrase, [7]]
            let lengths = prompts.map { $0.count }, capacities = lengths.map { $0 + 260 }
            let one = try specification.cache(shape: shape, capacity: 1)
            let bound = zip(lengths, capacities).reduce(CachePeak()) {
                $0 + one.peak(prompt: $1.0, capacity: $1.1, step: 1 + drafts)
            }.bytes
            func caches(_ arena: PageArena) throws -> [any KVCache] {
                try specification.caches(
                    shape: shape,
                    prompts: lengths,
                    capacities: capacities,
                    step: 1 + drafts,
                    arena: arena
                )
            }
            let arena = PageArena(budgetBytes: bound)
            let generations = try Generator(model: model, draftTokens: drafts)
                .generate(prompts: prompts, maximumTokens: 260, caches: try caches(arena)).generations
            #expect(arena.peakPageBytes <= bound)
            #expect(throws: ModelError.self) { try caches(PageArena(budgetBytes: bound - 1)) }
            return generations.map { $0.tokens.count }.max() ?? 0
        }
    }

    @Test func aBatchThatCannotFitIsRefusedWithWhatWould() throws {
        let specification = try CacheSpecification(parsing: "kivi-2-g32-r128"), shape = Self.shape
        let one = try peak(.init(name: "kivi-2-g32-r128"), prompt: 1000, capacity: 4096),
            wanted = (one + one + one).bytes
        func caches(_ budget: Int) throws -> [any KVCache] {
            try specification.caches(
                shape: shape,
                prompts: [1000, 1000, 1000],
                capacities: [4096, 4096, 4096],
                arena: PageArena(budgetBytes: budget)
            )
        }
        #expect(throws: Never.self) { try caches(wanted) }
        do {
            _ = try caches(wanted - 1)
            Issue.record("no error")
        } catch let error as ModelError {
            guard case .memoryBudget(_, 3, 4096, wanted, _, let sequences, let tokens) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(sequences == 2 && tokens > 3000 && tokens < 4096)
            #expect("\(error)".contains("2 sequences of 4096 tokens"))
            let fitting = try peak(.init(name: "kivi-2-g32-r128"), prompt: 1000, capacity: tokens)
            #expect((fitting + fitting + fitting).bytes < wanted)
        }
        // Not even the prompts.
        do {
            _ = try caches(200_000)
            Issue.record("no error")
        } catch let error as ModelError {
            guard case .memoryBudget(_, _, _, _, _, 0, let tokens) = error else {
                Issue.record("\(error)")
                return
            }
            let fitting = try peak(.init(name: "kivi-2-g32-r128"), prompt: tokens, capacity: tokens)
            #expect(tokens > 0 && tokens < 1000 && (fitting + fitting + fitting).bytes <= 200_000)
        }
    }
}
