import Inference
import Testing

struct TapTests {
    private struct Interruption: Error, Equatable {}

    /// Throws when it sees the second layer.
    private final class ThrowingTap: Tap {
        func wants(_ tensor: CapturedTensor, layer: Int) -> Bool { layer == 1 }
        func record(
            _ tensor: CapturedTensor,
            layer: Int,
            firstToken: Int,
            tokens: Int,
            heads: Int,
            headDim: Int,
            values: UnsafePointer<Float>
        ) throws { throw Interruption() }
    }

    @Test func onlyWhatIsWantedIsRecorded() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let tap = KeepingTap { tensor, layer in tensor == .value && layer == 1 }
            try model.forward([1, 2, 3], cache: model.makeCache(capacity: 3), logits: .none, tap: tap)
            #expect(Set(tap.values.keys) == [.init(tensor: .value, layer: 1)])
            #expect(tap.values.values.first?.count == 3 * 2 * 32)
        }
    }

    @Test(arguments: [LogitRequest.none, .last])
    func everyTensorOfEveryLayerIsSeen(_ request: LogitRequest) throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let tap = KeepingTap()
            try model.forward([1, 2], cache: model.makeCache(capacity: 2), logits: request, tap: tap)
            #expect(tap.values.count == 4 * model.configuration.layers)
            for (key, values) in tap.values {
                #expect(values.count == 2 * (key.tensor == .query ? 4 : 2) * 32)
            }
        }
    }

    @Test func tapsDoNotChangeTheLogits() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let tokens = (0..<33).map { Int32($0) }
            let without = try model.forward(tokens, cache: model.makeCache(capacity: 33))
            let with = try model.forward(tokens, cache: model.makeCache(capacity: 33), tap: KeepingTap())
            #expect(without == with)
        }
    }

    @Test func keysAtPositionZeroAreNotTurned() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let tap = KeepingTap()
            try model.forward([9], cache: model.makeCache(capacity: 1), tap: tap)
            #expect(tap.values[.init(tensor: .key, layer: 0)] == tap.values[.init(tensor: .keyPreRope, layer: 0)])
        }
    }

    @Test func anErrorOfTheTapLeavesTheCacheAsItWas() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let cache = model.makeCache(capacity: 8), untouched = model.makeCache(capacity: 8)
            try model.forward([1, 2, 3], cache: cache)
            try model.forward([1, 2, 3], cache: untouched)
            let bytes = cache.bytes.used
            #expect(throws: Interruption()) { try model.forward([4, 5], cache: cache, tap: ThrowingTap()) }
            #expect(cache.length == 3)
            #expect(cache.bytes.used == bytes)
            #expect(try model.forward([6], cache: cache) == model.forward([6], cache: untouched))
        }
    }
}
