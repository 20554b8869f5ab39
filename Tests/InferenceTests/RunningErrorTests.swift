import Inference
import Testing

/// What can be asked of a model that it cannot do.
struct RunningErrorTests {
    private func withModel(_ body: (LanguageModel) throws -> Void) throws {
        var shape = RandomModel.Shape()
        shape.contextLength = 16
        try TestModels.withRandomModel(shape: shape) { try body(LanguageModel(path: $0)) }
    }

    @Test func noTokensIsAnError() throws {
        try withModel { model in
            #expect(throws: ModelError.noTokens) { try model.forward([], cache: model.makeCache(capacity: 4)) }
        }
    }

    @Test func textLongerThanTheContextIsAnError() throws {
        try withModel { model in
            let cache = model.makeCache(capacity: 100)
            try model.forward([Int32](repeating: 1, count: 16), cache: cache)
            let error = ModelError.contextOverflow(held: 16, added: 1, contextLength: 16)
            #expect(throws: error) { try model.forward([1], cache: cache) }
            #expect(cache.length == 16)
            #expect(error.description.contains("expected at most 16 tokens in all"))
            #expect(error.remedy?.contains("fewer tokens") == true)
        }
    }

    @Test func moreThanTheCacheHoldsIsAnError() throws {
        try withModel { model in
            #expect(throws: ModelError.cacheFull(held: 0, added: 5, capacity: 4)) {
                try model.forward([1, 2, 3, 4, 5], cache: model.makeCache(capacity: 4))
            }
        }
    }

    @Test(arguments: [Int32(-1), 263, .max])
    func unknownTokensAreAnError(_ token: Int32) throws {
        try withModel { model in
            #expect(throws: ModelError.unknownToken(token: token, vocabularySize: 263)) {
                try model.forward([1, token], cache: model.makeCache(capacity: 4))
            }
        }
    }

    @Test func theCacheOfAnotherModelIsAnError() throws {
        try withModel { model in
            let other = CacheShape(layers: 3, kvHeads: 2, queriesPerHead: 2, headDim: 32)
            let error = ModelError.cacheOfAnotherModel(cache: other, model: model.configuration.cacheShape)
            #expect(throws: error) { try model.forward([1], cache: FullCache(shape: other, capacity: 4)) }
            #expect(error.description.contains("3 layers × 2 heads (2 queries each) × 32 channels"))
        }
    }
}
