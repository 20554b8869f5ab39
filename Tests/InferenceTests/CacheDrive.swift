import Foundation
import Inference
import Kernels
import Quantization
import TensorCore
import Testing

/// Caches driven at random, each beside a plain model of it.
struct CacheDrive {
    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var order = PackedCacheFormat.Order.afterAttention
        var prefill = PackedCacheFormat.Prefill.exact
        var accuracy = Attention.Accuracy.exact
        /// Of the output's relative error (norm) with fast products, as ``Attention/Accuracy`` states it.
        var budget: Double?
        var testDescription: String { "\(name), \(order.rawValue), \(prefill.rawValue), \(accuracy)" }

        func specification() throws -> CacheSpecification {
            try CacheSpecification(parsing: name, order: order, prefill: prefill, accuracy: accuracy)
        }

        func plain(_ shape: CacheShape) throws -> PlainCache {
            if name.hasPrefix("full") { return PlainCache(shape: shape, scheme: nil, isHalf: name == "full-f16") }
            let isSimulated = name.hasPrefix("simulated:")
            let scheme = try CacheScheme(parsing: isSimulated ? String(name.dropFirst(10)) : name)
            return PlainCache(shape: shape, scheme: scheme, isHalf: !isSimulated) { tokens in
                tokens > 1 ? prefill == .inPlace : order == .beforeAttention && !isSimulated
            }
        }
    }

    private struct Pair {
        var cache: any KVCache
        var plain: PlainCache
    }

    private let kind: Kind
    private let shape: CacheShape
    private let capacity: Int
    /// Most tokens that come together.
    private let longestLeap: Int
    private let seed: UInt64
    private var random: SeededGenerator
    private var pairs: [Pair]
    private var comparisons = 0
    /// The greatest length so far.
    private(set) var longest = 0

    init(_ kind: Kind, _ shape: CacheShape, capacity: Int, longestLeap: Int, seed: UInt64) throws {
        self.kind = kind
        self.shape = shape
        self.capacity = capacity
        self.longestLeap = longestLeap
        self.seed = seed
        random = SeededGenerator(seed: seed)
        let cache = try kind.specification().cache(shape: shape, capacity: capacity)
        pairs = [Pair(cache: cache, plain: try kind.plain(shape))]
    }

    /// - Parameter start: tokens that the first cache gets before.
    mutating func run(_ operations: Int, start: Int = 0) throws {
        if start > 0 { try append(0, tokens: start, settles: true) }
        for operation in 0..<operations {
            try act()
            for pair in pairs {
                #expect(pair.cache.length == pair.plain.length, "seed \(seed), operation \(operation)")
                #expect(pair.cache.bytes.used <= pair.cache.bytes.total)
            }
        }
        #expect(comparisons > operations / 2)
    }

    private mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    private mutating func act() throws {
        let index = below(pairs.count), length = pairs[index].plain.length
        switch below(16) {
        case 0: try cut(index, to: below(length + 10))
        case 1 where pairs.count < 4:
            pairs.append(Pair(cache: try pairs[index].cache.fork(), plain: pairs[index].plain))
        case 2 where pairs.count > 1: pairs.remove(at: index)
        case 3 where pairs.count > 1: try reorder()
        case 4, 5:
            // Many tokens are rarer: attention of the plain model is slow.
            let tokens = 1 + below(below(4) == 0 ? longestLeap : 40), settles = below(2) == 0
            if length + tokens <= capacity { try append(index, tokens: tokens, settles: settles) }
        default:
            if length < capacity { try append(index, tokens: 1, settles: true) } else { try cut(index, to: 3) }
        }
        longest = max(longest, pairs.map { $0.plain.length }.max() ?? 0)
    }

    private mutating func cut(_ index: Int, to length: Int) throws {
        try pairs[index].cache.truncate(to: length)
        pairs[index].plain.truncate(to: length)
    }

    /// As many caches as before, each the continuation of any: [1, 0, 1] for one.
    private mutating func reorder() throws {
        let parents = pairs.indices.map { _ in below(pairs.count) }, plain = parents.map { pairs[$0].plain }
        let caches = try pairs.map { $0.cache }.reordered(parents)
        pairs = zip(caches, plain).map { Pair(cache: $0, plain: $1) }
        for index in pairs.indices where pairs[index].plain.length > 0 {
            let queries = gaussians(shape.heads * shape.headDim)
            for layer in 0..<shape.layers { try compare(index, layer: layer, queries, rows: 1) }
        }
    }

    private mutating func gaussians(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.nextGaussian()) } }

    private mutating func append(_ index: Int, tokens: Int, settles: Bool) throws {
        let width = shape.kvHeads * shape.headDim
        let keys = gaussians(tokens * width), values = gaussians(tokens * width)
        // All rows of a few, the last one of many.
        let rows = tokens > 40 || pairs[index].plain.length > 400 ? 1 : tokens
        let queries = gaussians(rows * shape.heads * shape.headDim)
        func split(_ x: [Float]) -> [[Float]] { (0..<tokens).map { Array(x[$0 * width..<($0 + 1) * width]) } }
        try pairs[index].plain.append(split(keys), split(values), settles: settles)
        let cache = pairs[index].cache
        for layer in 0..<shape.layers {
            try cache.append(layer: layer, tokens: tokens, keys: keys, values: values, settles: settles)
            try compare(index, layer: layer, queries, rows: rows)
            if settles { try cache.settle(layer: layer) }
        }
        if settles { try pairs[index].plain.settle() }
    }

    /// Attention of the last rows over what a layer holds, and over what it should hold; at times through a window.
    private mutating func compare(_ index: Int, layer: Int, _ queries: [Float], rows: Int) throws {
        let cache = pairs[index].cache, window = below(3) == 0 ? 1 + below(cache.sequence(layer: layer).tokens) : nil
        let expected = pairs[index].plain.attend(queries, rows: rows, window: window)
        var output = [Float](repeating: .nan, count: queries.count)
        Attention.causal(
            queries: queries,
            rows: rows,
            sequences: [cache.sequence(layer: layer)],
            shape: Attention.Shape(heads: shape.heads, kvHeads: shape.kvHeads, channels: shape.headDim),
            accuracy: cache.accuracy,
            window: window,
            into: &output
        )
        comparisons += 1
        let place: Comment =
            "seed \(seed), comparison \(comparisons), \(rows) rows at \(cache.length), window \(window ?? 0)"
        let errors = zip(output, expected).map { abs(Double($0) - $1) }
        if let budget = kind.budget {
            let size = expected.reduce(0) { $0 + $1 * $1 }, error = errors.reduce(0) { $0 + $1 * $1 }
            #expect((error / size).squareRoot() <= budget, place)
        } else {
            // Float32 sums of weights that add up to one and elements of size one, and scores that err by 1e-6 of
            // their size.
            #expect(errors.allSatisfy { $0 <= 5e-5 }, place)
        }
    }
}
