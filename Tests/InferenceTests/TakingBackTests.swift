import Inference
import Kernels
import Testing

/// What an error or a wrong draft leaves in a cache.
@Suite struct TakingBackTests {
    private struct Stop: Error {}

    private func withModel(_ body: (LanguageModel) throws -> Void) throws {
        try TestModels.withRandomModel(seed: 3) { try body(LanguageModel(path: $0)) }
    }

    private func cache(
        _ model: LanguageModel,
        _ name: String = "kivi-2-g32-r32",
        prefill: PackedCacheFormat.Prefill = .exact
    ) throws -> any KVCache {
        try CacheSpecification(parsing: name, prefill: prefill)
            .cache(shape: model.configuration.cacheShape, capacity: 200)
    }

    @Test func aStepThatFailsPacksNothing() throws {
        try withModel { model in
            let prompt = (0..<31).map { Int32($0 * 7 % 250) }
            let first = try cache(model), second = try cache(model)
            for cache in [first, second] { try model.forward(prompt, cache: cache) }
            let before = first.bytes
            // The 32nd token packs all keys; the last layer is not reached.
            var layers = 0
            #expect(throws: Stop.self) {
                try model.states(of: [[9]], caches: [first]) {
                    layers += 1
                    if layers == model.configuration.layers { throw Stop() }
                }
            }
            #expect(first.length == 31 && first.bytes == before)
            #expect(try model.step([5], caches: [first]).elements == model.step([5], caches: [second]).elements)
            #expect(first.bytes.codes > 0 && first.bytes == second.bytes)
        }
    }

    @Test func draftsThatNobodyTookDoNotStay() throws {
        try withModel { model in
            let phrase = (0..<10).map { Int32($0 * 11 % 250) }, prompt = phrase + phrase + phrase
            for limit in [1, 2, 5, 20, 40] {
                let cache = try cache(model, "full-f32")
                var seen: [Int32] = []
                #expect(throws: Stop.self) {
                    try Generator(model: model, draftTokens: 8).generate(
                        prompt: prompt,
                        maximumTokens: 100,
                        cache: cache
                    ) {
                        seen.append($0)
                        if seen.count == limit { throw Stop() }
                        return true
                    }
                }
                #expect(cache.length == prompt.count + limit - 1)
                let next = try model.step([seen[limit - 1]], caches: [cache]).elements
                let plain = model.makeCache(capacity: 200)
                let expected = try model.forward(prompt + seen, cache: plain)?.elements ?? []
                #expect(zip(next, expected).allSatisfy { abs($0 - $1) < 1e-3 } && next.count == expected.count)
            }
        }
    }

    @Test(arguments: ["kivi-4-g32-r32", "simulated:kivi-4-g32-r32"])
    func draftsAreNotPackedInPlace(_ name: String) throws {
        try withModel { model in
            let prompt = (0..<30).map { Int32($0 * 7 % 250) }, drafts = (0..<8).map { Int32($0 * 3) }
            let first = try cache(model, name, prefill: .inPlace), second = try cache(model, name, prefill: .inPlace)
            for cache in [first, second] { try model.forward(prompt, cache: cache) }
            try model.forward(drafts, cache: first, logits: .none, settles: false)
            try first.truncate(to: 30)
            #expect(first.bytes == second.bytes)
            #expect(try model.step([5], caches: [first]).elements == model.step([5], caches: [second]).elements)
        }
    }
}
