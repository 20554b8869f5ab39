import Inference
import Kernels
import Quantization
import Testing

/// What is said of a cache without making it is what it is once it is made.
@Suite struct CacheAccountTests {
    private static let shape = CacheShape(layers: 3, kvHeads: 2, queriesPerHead: 2, headDim: 48)
    private func configuration() throws -> ModelConfiguration {
        var sizes = RandomModel.Shape()
        (sizes.heads, sizes.kvHeads, sizes.headDim, sizes.contextLength) = (4, 2, 48, 3000)
        return try TestModels.withRandomModel(shape: sizes) { try ModelConfiguration.read($0) }
    }

    private func filled(_ specification: CacheSpecification, tokens: Int) throws -> any KVCache {
        let shape = Self.shape, cache = try specification.cache(shape: shape, capacity: tokens)
        let rows = (0..<max(1, tokens) * shape.kvHeads * shape.headDim).map { Float($0 % 13) }
        for layer in 0..<shape.layers where tokens > 0 {
            try cache.append(layer: layer, tokens: tokens, keys: rows, values: rows)
            try cache.settle(layer: layer)
        }
        return cache
    }

    @Test(arguments: CacheSpecification.named.map { $0.id } + ["rtn-int3-channel-g16/rtn-int2-token-g48+window=70"])
    func accountsAreWhatCachesHold(_ id: String) throws {
        let specification = try CacheSpecification(parsing: id)
        for tokens in Array(0...33) + [127, 128, 129, 160, 255, 256, 257, 1000] {
            let held = try filled(specification, tokens: tokens).bytes
            let account = specification.account(shape: Self.shape, tokens: tokens)
            #expect(account.id == specification.id && account.tokens == tokens)
            #expect(account.bytes.codes == held.codes, "\(id) at \(tokens)")
            #expect(account.bytes.scales == held.scales, "\(id) at \(tokens)")
            #expect(account.bytes.fullPrecision == held.fullPrecision, "\(id) at \(tokens)")
            // At most a page of the window more on each side.
            let page = Self.shape.layers * 2 * FullCache.Precision.allCases.count * 32 * 48 * 2 * Self.shape.kvHeads
            #expect(account.bytes.total >= held.total && account.bytes.total <= held.total + page, "\(id) at \(tokens)")
        }
    }

    @Test func bytesPerTokenAreThoseOfTheDefinitions() throws {
        func account(_ id: String, _ tokens: Int) throws -> CacheAccount {
            try CacheSpecification(parsing: id).account(
                shape: CacheShape(layers: 30, kvHeads: 3, queriesPerHead: 3, headDim: 64),
                tokens: tokens
            )
        }
        // 30 layers × 3 heads × 64 channels × 2 tensors = 11,520 elements.
        let (single, half) = (try account("full-f32", 4096), try account("full-f16", 4096))
        #expect(single.asymptoticBytesPerToken == 46_080 && single.bytesPerToken == 46_080)
        #expect(half.asymptoticBytesPerToken == 23_040 && half.bytesPerToken == 23_040)
        // 2 bits and a float16 scale and minimum for each 32: 3 bits an element.
        let kivi = try account("kivi-2-g32-r128", 4096)
        #expect(kivi.asymptoticBytesPerToken == 11_520 * 3.0 / 8)
        // A multiple of R: no keys in the window, the last 128 values in float16.
        let window = 128.0 * 5760 * 2, packed = 5760.0 * 3 / 8
        #expect(kivi.bytesPerToken == (4096 * packed + (4096 - 128) * packed + window) / 4096)
        #expect(try account("kivi-2-g32-r128", 100).bytesPerToken == 23_040)
        #expect(try account("rtn-int4-token-g32", 4096).bytesPerToken == 11_520 * 5.0 / 8)
        #expect(try account("simulated:kivi-2-g32-r128", 64).bytesPerToken == 46_080)
        #expect(try account("full-f16", 0).bytesPerToken == 0)
    }

    @Test(arguments: ["full-f32", "full-f16", "kivi-2-g32-r128", "rtn-int4-token-g32"])
    func whatFitsFitsAndOneMoreDoesNot(_ id: String) throws {
        let specification = try CacheSpecification(parsing: id), configuration = try configuration()
        let stream = configuration.width * 4
        func peak(_ tokens: Int) throws -> CachePeak {
            try specification.cache(shape: configuration.cacheShape, capacity: tokens)
                .peak(prompt: tokens, capacity: tokens, step: 1)
        }
        for budget in [1_000_000, 1_234_567] {
            let fit = try specification.fit(configuration, tokens: 200, budget: budget)
            let longest = fit.longestSequence
            #expect(longest > 0 && longest <= configuration.contextLength && fit.batchTokens == 200)
            #expect(try peak(longest).bytes <= budget - longest * stream)
            if longest < configuration.contextLength {
                #expect(try peak(longest + 1).bytes > budget - (longest + 1) * stream)
            }
            let batch = try peak(200)
            func bytes(_ count: Int) -> Int {
                max(count * batch.prompt + batch.packingPrompt, count * batch.steps + batch.packingStep)
            }
            #expect(fit.largestBatch > 0 && bytes(fit.largestBatch) <= budget - 200 * stream)
            #expect(bytes(fit.largestBatch + 1) > budget - 200 * stream)
        }
        let whole = try specification.fit(configuration, tokens: 1 << 20, budget: 1 << 40)
        #expect(whole.longestSequence == configuration.contextLength && whole.batchTokens == 3000)
        for budget in [0, -5] {
            let none = try specification.fit(configuration, tokens: 200, budget: budget)
            #expect(none.longestSequence == 0 && none.largestBatch == 0)
        }
    }

    @Test func namedCachesAreThoseThatArePacked() {
        let ids = CacheSpecification.named.map { $0.id }
        #expect(Set(ids).count == ids.count)
        for id in ["full-f32", "full-f16", "kivi-2-g32-r128", "kivi-4-g32-r128", "rtn-int4-token-g32"] {
            #expect(ids.contains(id))
        }
        #expect(!ids.contains { $0.hasPrefix("simulated") } && !ids.contains("identity") && !ids.contains("nf4"))
    }
}
