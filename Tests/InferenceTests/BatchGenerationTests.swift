import Inference
import Testing

/// Neither the batch, nor how a prompt is cut, nor drafts change what a full cache generates.
@Suite struct BatchGenerationTests {
    private static let prompts: [[Int32]] = (0..<20).map { (index: Int) -> [Int32] in
        let length = 1 + index * 7 % 45
        return (0..<length).map { Int32((index * 31 + $0 * 17) % 250) }
    }

    private func withModel(_ body: (LanguageModel) throws -> Void) throws {
        try TestModels.withRandomModel(seed: 3) { try body(LanguageModel(path: $0)) }
    }

    private func alone(
        _ model: LanguageModel,
        _ prompt: [Int32],
        cache name: String = "full-f32",
        draft: Int = 0,
        count: Int = 24
    ) throws -> Generation {
        let cache = try CacheSpecification(parsing: name).cache(shape: model.configuration.cacheShape, capacity: 200)
        return try Generator(model: model, draftTokens: draft).generate(
            prompt: prompt,
            maximumTokens: count,
            cache: cache
        ).generation
    }

    @Test(arguments: ["full-f32", "full-f16", "kivi-2-g32-r32"], [1, 3, 20])
    func aBatchGivesEachItsOwnText(_ name: String, _ size: Int) throws {
        try withModel { model in
            let prompts = Array(Self.prompts.prefix(size))
            let caches = try CacheSpecification(parsing: name).caches(
                shape: model.configuration.cacheShape,
                capacities: prompts.map { _ in 200 }
            )
            var seen = prompts.map { _ in [Int32]() }
            let (generations, times) = try Generator(model: model).generate(
                prompts: prompts,
                maximumTokens: 24,
                caches: caches
            ) { index, token in
                seen[index].append(token)
                return true
            }
            for (index, prompt) in prompts.enumerated() {
                #expect(generations[index] == (try alone(model, prompt, cache: name)), "sequence \(index)")
                #expect(generations[index].tokens == seen[index])
            }
            #expect(times.promptTokens == prompts.reduce(0) { $0 + $1.count })
            #expect(times.decodedTokens == generations.reduce(0) { $0 + $1.tokens.count } - size)
        }
    }

    @Test func aSequenceThatEndsAtOnceLeavesTheOthersAlone() throws {
        // The first token of the second prompt's text becomes an end token.
        let whole = try EditedModel().with { try alone(LanguageModel(path: $0), [7, 8]) }
        let end = try #require(whole.tokens.first)
        try EditedModel(metadata: ["tokenizer.ggml.eos_token_id": .uint32(UInt32(end))]).with { path in
            let model = try LanguageModel(path: path)
            let prompts: [[Int32]] = [[10, 20, 30], [7, 8], [1]]
            let (generations, _) = try Generator(model: model).generate(
                prompts: prompts,
                maximumTokens: 12,
                caches: prompts.map { _ in model.makeCache(capacity: 64) }
            )
            #expect(generations[1].tokens.isEmpty && generations[1].stopReason == .endOfText)
            for index in [0, 2] {
                #expect(generations[index] == (try alone(model, prompts[index], count: 12)))
            }
        }
    }

    @Test(arguments: [1, 2, 7, 16, 17, 40])
    func howAPromptIsCutChangesNothing(_ step: Int) throws {
        try withModel { model in
            let prompt = Self.prompts[19] + Self.prompts[18] + Self.prompts[17]
            let expected = try alone(model, prompt)
            let cache = model.makeCache(capacity: 200)
            for first in stride(from: 0, to: prompt.count - 1, by: step) {
                let part = Array(prompt[first..<min(first + step, prompt.count - 1)])
                try model.forward(part, cache: cache, logits: .none)
            }
            let result = try Generator(model: model).generate(
                prompt: [prompt[prompt.count - 1]],
                maximumTokens: 24,
                cache: cache
            )
            #expect(result.generation.tokens == expected.tokens)
        }
    }

    @Test(arguments: ["full-f32", "full-f16"], [1, 4, 15])
    func draftsChangeNothingAndSomeAreRight(_ name: String, _ draft: Int) throws {
        try withModel { model in
            let phrase = Self.prompts[3], prompt = phrase + phrase + [5, 6] + phrase
            let plain = try alone(model, prompt, cache: name, count: 80)
            let drafted = try alone(model, prompt, cache: name, draft: draft, count: 80)
            #expect(drafted.tokens == plain.tokens && drafted.stopReason == plain.stopReason)
            #expect(drafted.drafted > 0 && drafted.accepted <= drafted.drafted)
            // A greedy text of a random model runs in circles before long.
            #expect(drafted.accepted > 10)
        }
    }

    @Test func draftsOfAPackedCacheArePackedOnlyWhenRight() throws {
        try withModel { model in
            let phrase = Self.prompts[3], prompt = phrase + phrase
            let cache = try CacheSpecification(parsing: "kivi-4-g32-r32").cache(
                shape: model.configuration.cacheShape,
                capacity: 300
            )
            let result = try Generator(model: model, draftTokens: 8).generate(
                prompt: prompt,
                maximumTokens: 150,
                cache: cache
            )
            #expect(result.generation.tokens.count == 150)
            // All but the last token are in the cache, and a residual of less than 32 keys.
            #expect(cache.length == prompt.count + 149)
            let tokens = cache.length, width = 2 * 2 * 32 * 2
            #expect(cache.bytes.fullPrecision == width * (tokens % 32 + 32))
        }
    }

    @Test func aDraftStopsWhereTheContextDoes() throws {
        var shape = RandomModel.Shape()
        shape.contextLength = 60
        try TestModels.withRandomModel(seed: 3, shape: shape) { path in
            let model = try LanguageModel(path: path)
            let plain = try Generator(model: model).generate(
                prompt: Self.prompts[3],
                maximumTokens: 500,
                cache: model.makeCache(capacity: 100)
            ).generation
            let drafted = try Generator(model: model, draftTokens: 8).generate(
                prompt: Self.prompts[3],
                maximumTokens: 500,
                cache: model.makeCache(capacity: 100)
            ).generation
            #expect(plain.stopReason == .contextFull && drafted.stopReason == .contextFull)
            #expect(drafted.tokens == plain.tokens)
        }
    }
}
