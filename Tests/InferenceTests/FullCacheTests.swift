import Foundation
import Inference
import Kernels
import TensorCore
import Testing

struct FullCacheTests {
    private static let shape = CacheShape(layers: 2, kvHeads: 2, queriesPerHead: 3, headDim: 8)

    private func gaussians(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(generator.nextGaussian()) }
    }

    /// Causal attention from the definition; `[token, head, channel]` of the last `queries` tokens.
    private func definition(keys: [Float], values: [Float], queries: [Float]) -> [Double] {
        let shape = Self.shape, width = shape.kvHeads * shape.headDim, queryWidth = shape.heads * shape.headDim
        let held = keys.count / width, asked = queries.count / queryWidth
        var output: [Double] = []
        for token in 0..<asked {
            for head in 0..<shape.heads {
                let first = head / shape.queriesPerHead * shape.headDim
                let visible = held - asked + token + 1
                let scores = (0..<visible).map { past in
                    (0..<shape.headDim).reduce(0.0) { sum, channel in
                        sum + Double(queries[token * queryWidth + head * shape.headDim + channel])
                            * Double(keys[past * width + first + channel])
                    } / Double(shape.headDim).squareRoot()
                }
                let largest = scores.max() ?? 0
                let weights = scores.map { exp($0 - largest) }
                let total = weights.reduce(0, +)
                for channel in 0..<shape.headDim {
                    output.append(
                        (0..<visible).reduce(0.0) { $0 + weights[$1] * Double(values[$1 * width + first + channel]) }
                            / total
                    )
                }
            }
        }
        return output
    }

    private func attend(_ cache: FullCache, layer: Int, tokens: Int, _ queries: [Float]) -> [Float] {
        var output = [Float](repeating: .nan, count: queries.count)
        queries.withUnsafeBufferPointer { queries in
            output.withUnsafeMutableBufferPointer { output in
                guard let from = queries.baseAddress, let to = output.baseAddress else { return }
                Attention.causal(
                    queries: from,
                    rows: tokens,
                    sequences: [cache.sequence(layer: layer)],
                    shape: Attention.Shape(
                        heads: Self.shape.heads,
                        kvHeads: Self.shape.kvHeads,
                        channels: Self.shape.headDim
                    ),
                    accuracy: .exact,
                    into: to
                )
            }
        }
        return output
    }

    private func append(_ cache: FullCache, layer: Int, tokens: Int, _ keys: [Float], _ values: [Float]) throws {
        try keys.withUnsafeBufferPointer { keys in
            try values.withUnsafeBufferPointer { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                try cache.append(layer: layer, tokens: tokens, keys: keys, values: values)
            }
        }
    }

    @Test(arguments: 1...33)
    func attentionEqualsTheDefinition(_ length: Int) throws {
        let width = 16, queryWidth = 48
        let keys = gaussians(length * width, seed: 1), values = gaussians(length * width, seed: 2)
        for (precision, tolerance) in [(FullCache.Precision.float32, 1e-5), (.float16, 5e-3)] {
            for asked in Set([1, min(2, length), length]) {
                let queries = gaussians(asked * queryWidth, seed: 3)
                let cache = FullCache(shape: Self.shape, capacity: 40, precision: precision)
                // The second layer: an offset into the wrong one shows.
                try append(cache, layer: 1, tokens: length, keys, values)
                let found = attend(cache, layer: 1, tokens: asked, queries)
                let expected = definition(keys: keys, values: values, queries: queries)
                let worst = zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
                #expect(worst < tolerance)
            }
        }
    }

    /// Rounding first and attending in float32 is the same function as storing float16.
    @Test func float16StoresTheNearestHalf() throws {
        let keys = gaussians(5 * 16, seed: 4), values = gaussians(5 * 16, seed: 5), queries = gaussians(48, seed: 6)
        let half = FullCache(shape: Self.shape, capacity: 5, precision: .float16)
        try append(half, layer: 0, tokens: 5, keys, values)
        let rounded = FullCache(shape: Self.shape, capacity: 5)
        func round(_ x: [Float]) -> [Float] { HalfConversion.toFloat(HalfConversion.toHalf(x)) }
        try append(rounded, layer: 0, tokens: 5, round(keys), round(values))
        let a = attend(half, layer: 0, tokens: 1, queries), b = attend(rounded, layer: 0, tokens: 1, queries)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test(arguments: [(FullCache.Precision.float32, 4), (.float16, 2)])
    func bytesAreThoseOfTheHeldTokens(_ precision: FullCache.Precision, _ size: Int) throws {
        let cache = FullCache(shape: Self.shape, capacity: 100, precision: precision)
        #expect(cache.bytes.used == 0)
        #expect(cache.length == 0)
        let row = gaussians(3 * 16, seed: 7)
        try append(cache, layer: 0, tokens: 3, row, row)
        #expect(cache.length == 0, "the second layer holds nothing yet")
        try append(cache, layer: 1, tokens: 3, row, row)
        #expect(cache.length == 3)
        #expect(cache.bytes.used == 2 * 2 * 3 * 16 * size)
        cache.truncate(to: 1)
        #expect(cache.bytes.used == 2 * 2 * 1 * 16 * size)
        cache.truncate(to: 50)
        #expect(cache.length == 1)
    }

    @Test func appendingAfterTruncationForgetsWhatWasThere() throws {
        let keys = gaussians(6 * 16, seed: 8), values = gaussians(6 * 16, seed: 9), queries = gaussians(48, seed: 10)
        let straight = FullCache(shape: Self.shape, capacity: 6), retried = FullCache(shape: Self.shape, capacity: 6)
        try append(straight, layer: 0, tokens: 6, keys, values)
        try append(retried, layer: 0, tokens: 2, keys, values)
        try append(retried, layer: 0, tokens: 3, gaussians(48, seed: 11), gaussians(48, seed: 12))
        retried.truncate(to: 2)
        try append(retried, layer: 0, tokens: 4, Array(keys.dropFirst(32)), Array(values.dropFirst(32)))
        #expect(attend(straight, layer: 0, tokens: 1, queries) == attend(retried, layer: 0, tokens: 1, queries))
    }

    @Test func aFullCacheSaysSo() throws {
        let cache = FullCache(shape: Self.shape, capacity: 2)
        let row = gaussians(3 * 16, seed: 13)
        #expect(throws: ModelError.cacheFull(held: 0, added: 3, capacity: 2)) {
            try append(cache, layer: 0, tokens: 3, row, row)
        }
        try append(cache, layer: 0, tokens: 2, row, row)
        #expect(throws: ModelError.cacheFull(held: 2, added: 1, capacity: 2)) {
            try append(cache, layer: 0, tokens: 1, row, row)
        }
    }

    @Test(arguments: [Float.nan, .infinity])
    func aBadValueSpoilsOnlyThoseWhoSeeIt(_ bad: Float) throws {
        var values = gaussians(4 * 16, seed: 14)
        values[2 * 16 + 3] = bad
        let keys = gaussians(4 * 16, seed: 15), queries = gaussians(48, seed: 16)
        let cache = FullCache(shape: Self.shape, capacity: 4)
        for token in 0..<4 {
            let row = token * 16..<token * 16 + 16
            try append(cache, layer: 0, tokens: 1, Array(keys[row]), Array(values[row]))
            let output = attend(cache, layer: 0, tokens: 1, queries)
            for place in output.indices {
                let isSpoiled = token >= 2 && place / 8 < 3 && place % 8 == 3
                #expect(output[place].isFinite != isSpoiled)
            }
        }
    }
}
