import Foundation
import Inference
import Quantization
import TensorCore
import Testing

/// Schemes that look at more than one token, and keys before RoPE, in a cache that gets a token at a time.
@Suite struct SimulatedCacheTests {
    private static let channels = 32
    private static let shape = CacheShape(
        layers: 1,
        kvHeads: 2,
        queriesPerHead: 1,
        headDim: channels,
        layout: .usual(layers: 1, headDim: channels, ropeBase: 10000)
    )

    /// Keys `[token, kv_head, channel]`, each channel constant before RoPE, as they are after it.
    private static func turnedConstants(_ tokens: Int) -> [Float] {
        var random = SeededGenerator(seed: 7)
        let constants = (0..<shape.kvHeads * channels).map { _ in Float(random.nextGaussian()) }
        var keys = (0..<tokens).flatMap { _ in constants }
        shape.layout?.rotation(layer: 0).table(positions: 0..<tokens, channels: channels).rotate(
            &keys,
            tokens: tokens,
            heads: shape.kvHeads,
            headStride: channels,
            tokenStride: shape.kvHeads * channels
        )
        return keys
    }

    private static func gaussian(_ tokens: Int) -> [Float] {
        var random = SeededGenerator(seed: 8)
        return (0..<tokens * shape.kvHeads * channels).map { _ in Float(random.nextGaussian()) }
    }

    /// What a cache holds of keys that came one by one; `[token, kv_head, channel]`.
    private static func held(_ name: String, _ keys: [Float], learnt: LearntArrays? = nil) throws -> [Float] {
        let width = shape.kvHeads * channels, tokens = keys.count / width
        let specification = try CacheSpecification(parsing: name, learnt: learnt.map { arrays in { _ in arrays } })
        let cache = try specification.cache(shape: shape, capacity: tokens)
        for token in 0..<tokens {
            let row = Array(keys[token * width..<(token + 1) * width])
            try cache.append(layer: 0, tokens: 1, keys: row, values: row)
            try cache.settle(layer: 0)
        }
        let simulated = try #require(cache as? SimulatedCache)
        return simulated.rows(.key, layer: 0)
    }

    private static func largestError(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// A channel that is constant before RoPE is exact there in 2 bits, and nothing of it is after.
    @Test func keysAreStoredBeforeRoPEIfTheSchemeSaysSo() throws {
        let keys = Self.turnedConstants(128)
        let before = try Self.held("simulated:pre-rope:rtn-int2-channel-g32/rtn-int2-token-g32", keys)
        let after = try Self.held("simulated:rtn-int2-channel-g32/rtn-int2-token-g32", keys)
        // Keys reach a scheme in float16: half an ulp of at most 4.
        #expect(Self.largestError(before, keys) < 0x1p-9)
        #expect(Self.largestError(after, keys) > 0.1)
    }

    /// Left alone, a token is exact: its group has one element, or its matrix rank 1.
    @Test(arguments: [
        "rtn-int2-channel-whole", "rtn-int2-channel-whole/rtn-int2-token-g32+residual=1",
        "lowrank-4:rtn-int2-token-g32", "outliers-0.01-channel:rtn-int2-channel-g32",
    ])
    func tokensWaitForThoseThatAreEncodedWithThem(_ term: String) throws {
        let keys = Self.gaussian(256)
        let held = try Self.held("simulated:\(term)", keys)
        let error = Self.largestError(held, keys)
        #expect(error > 0.2, "\(error)")
        // Nothing but whole blocks.
        let width = Self.shape.kvHeads * Self.channels
        let changed = (0..<256).filter { held[$0 * width..<($0 + 1) * width] != keys[$0 * width..<($0 + 1) * width] }
        #expect(changed == Array(0..<changed.count) && changed.count >= 128, "\(changed.count)")
    }

    /// What costs the same alone goes at once.
    @Test func tokensOnTheirOwnWaitForNone() throws {
        let keys = Self.gaussian(5)
        let held = try Self.held("simulated:rtn-int2-token-g32", keys), width = Self.shape.kvHeads * Self.channels
        #expect((0..<5).allSatisfy { held[$0 * width..<($0 + 1) * width] != keys[$0 * width..<($0 + 1) * width] })
    }

    @Test func whatWasLearntIsUsed() throws {
        let scheme = try CacheScheme(parsing: "kvquant-2"), keys = Self.gaussian(64)
        let heads = Self.shape.kvHeads, width = Self.channels
        var elements: [Float] = []
        for head in 0..<heads {
            for token in 0..<64 {
                let place = (token * heads + head) * width
                elements += keys[place..<place + width]
            }
        }
        let block = FloatBlock(heads: heads, tokens: 64, channels: width, elements: elements)
        var learnt: LearntArrays = [:]
        for side in CacheSide.allCases {
            let pipeline = try #require(scheme.scheme(for: side) as? PipelineScheme)
            let sample = CalibrationSample(side: side, keys: block, values: block, ropeSide: pipeline.ropeSide)
            learnt[side] = [0: try pipeline.calibrate(block, sample)]
        }
        let error = Self.largestError(try Self.held("simulated:kvquant-2", keys, learnt: learnt), keys)
        #expect(error > 0.05 && error < 4, "\(error)")
    }

    @Test func aShapeWithoutARotationIsToldSo() throws {
        let plain = CacheShape(layers: 1, kvHeads: 1, queriesPerHead: 1, headDim: 32)
        let cache = try CacheSpecification(parsing: "simulated:pre-rope:rtn-int8-token-g32")
            .cache(shape: plain, capacity: 4)
        let row = [Float](repeating: 1, count: 32)
        try cache.append(layer: 0, tokens: 1, keys: row, values: row)
        #expect(throws: ModelError.self) { try cache.settle(layer: 0) }
    }
}
