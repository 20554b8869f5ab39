import Inference
import Testing

struct GeneratorTests {
    private func withModel(contextLength: Int = 64, _ body: (LanguageModel) throws -> Void) throws {
        var shape = RandomModel.Shape()
        shape.contextLength = contextLength
        try TestModels.withRandomModel(seed: 3, shape: shape) { try body(LanguageModel(path: $0)) }
    }

    private func generate(
        _ model: LanguageModel,
        _ sampling: Sampling = .greedy,
        count: Int = 12,
        capacity: Int = 64,
        onToken: (Int32) throws -> Bool = { _ in true }
    ) throws -> Generation {
        try Generator(model: model, sampling: sampling).generate(
            prompt: [10, 20, 30],
            maximumTokens: count,
            cache: model.makeCache(capacity: capacity),
            onToken: onToken
        ).generation
    }

    @Test func greedyTextIsWhatForwardChooses() throws {
        try withModel { model in
            var tokens: [Int32] = [10, 20, 30]
            for _ in 0..<12 {
                let logits = try #require(try model.forward(tokens, cache: model.makeCache(capacity: 64))).elements
                let best = try #require(logits.indices.max { logits[$0] < logits[$1] })
                tokens.append(Int32(best))
            }
            let result = try generate(model)
            #expect(result.tokens == Array(tokens.dropFirst(3)))
            #expect(result.stopReason == .tokenLimit)
        }
    }

    @Test func seedsDecideSampledText() throws {
        try withModel { model in
            let hot = try Sampling(temperature: 2, seed: 1), other = try Sampling(temperature: 2, seed: 2)
            #expect(try generate(model, hot).tokens == generate(model, hot).tokens)
            #expect(try generate(model, hot).tokens != generate(model, other).tokens)
        }
    }

    @Test func fullContextEndsTheText() throws {
        try withModel(contextLength: 8) { model in
            let result = try generate(model, count: 100)
            // Three tokens of prompt, five read back, and one that nobody reads.
            #expect(result.tokens.count == 6)
            #expect(result.stopReason == .contextFull)
        }
    }

    @Test func fullCacheEndsTheText() throws {
        try withModel { model in
            let result = try generate(model, count: 100, capacity: 3)
            #expect(result.tokens.count == 1)
            #expect(result.stopReason == .contextFull)
        }
    }

    @Test func theCallerCanStop() throws {
        try withModel { model in
            var seen: [Int32] = []
            let result = try generate(model) { token in
                seen.append(token)
                return seen.count < 4
            }
            #expect(result.stopReason == .callerStopped)
            #expect(result.tokens == seen)
            #expect(seen.count == 4)
        }
    }

    @Test func anEndTokenEndsTheTextAndIsNoPartOfIt() throws {
        // The same weights, with a token of the plain text for an end token.
        let whole = try EditedModel().with { try generate(LanguageModel(path: $0)).tokens }
        let end = try #require(whole.last)
        let edited = EditedModel(metadata: ["tokenizer.ggml.eos_token_id": .uint32(UInt32(end))])
        try edited.with { path in
            let result = try generate(LanguageModel(path: path))
            #expect(result.stopReason == .endOfText)
            #expect(result.tokens == Array(whole.prefix { $0 != end }))
        }
    }

    @Test func noTokensAreGivenWhenNoneAreAskedFor() throws {
        try withModel { model in
            let result = try generate(model, count: 0)
            #expect(result.tokens.isEmpty)
            #expect(result.stopReason == .tokenLimit)
        }
    }
}
