import Foundation
import Inference
import Kernels
import Quantization
import TensorCore
import Testing

/// Every cache does what a plain array would do, whatever comes after what.
@Suite struct CacheContractTests {
    private static let shape = CacheShape(layers: 2, kvHeads: 2, queriesPerHead: 3, headDim: 32)
    private static let multiQuery = CacheShape(layers: 1, kvHeads: 1, queriesPerHead: 4, headDim: 16)

    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var order = PackedCacheFormat.Order.afterAttention
        var prefill = PackedCacheFormat.Prefill.exact
        var testDescription: String { "\(name), \(order.rawValue), \(prefill.rawValue)" }

        func specification() throws -> CacheSpecification {
            try CacheSpecification(parsing: name, order: order, prefill: prefill, accuracy: .exact)
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

    static let kinds: [Kind] =
        [
            "full-f32", "full-f16", "kivi-2-g32-r32", "kivi-4-g32-r64", "kivi-1-g8-r8", "kivi-3-g32-r32",
            "kivi-8-g16-r32", "rtn-int4-channel-g32/rtn-int2-token-g16+residual=64", "rtn-int4-token-g32",
            "rtn-int8-token-g32+window=20", "rtn-int4-channel-g32/rtn-int4-token-g32+window=10",
            "simulated:rtn-int4-token-whole+window=5", "simulated:rtn-int4-channel-g8",
        ].map { Kind(name: $0) } + [
            Kind(name: "kivi-2-g32-r32", order: .beforeAttention), Kind(name: "kivi-4-g32-r32", prefill: .inPlace),
            Kind(name: "simulated:kivi-2-g8-r8", prefill: .inPlace),
        ]

    /// One cache beside its plain model.
    private struct Pair {
        var cache: any KVCache
        var plain: PlainCache
    }

    private struct Drive {
        let shape: CacheShape
        var random: SeededGenerator
        var pairs: [Pair]
        var comparisons = 0

        mutating func gaussians(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.nextGaussian()) } }

        mutating func append(_ index: Int, tokens: Int, settles: Bool, _ seed: UInt64) throws {
            let width = shape.kvHeads * shape.headDim
            let keys = gaussians(tokens * width), values = gaussians(tokens * width)
            let queries = gaussians(tokens * shape.heads * shape.headDim)
            func rows(_ x: [Float]) -> [[Float]] { (0..<tokens).map { Array(x[$0 * width..<($0 + 1) * width]) } }
            try pairs[index].plain.append(rows(keys), rows(values))
            let expected = pairs[index].plain.attend(queries, rows: tokens), cache = pairs[index].cache
            var output = [Float](repeating: .nan, count: queries.count)
            for layer in 0..<shape.layers {
                try cache.append(layer: layer, tokens: tokens, keys: keys, values: values)
                Attention.causal(
                    queries: queries,
                    rows: tokens,
                    sequences: [cache.sequence(layer: layer)],
                    shape: Attention.Shape(heads: shape.heads, kvHeads: shape.kvHeads, channels: shape.headDim),
                    accuracy: cache.accuracy,
                    into: &output
                )
                if settles { try cache.settle(layer: layer) }
            }
            if settles { try pairs[index].plain.settle() }
            comparisons += 1
            // Float32 sums of at most 400 products of size one, and scores that err by 1e-6 of their size.
            let worst = zip(output, expected).map { abs(Double($0) - $1) }.max() ?? 0
            #expect(worst <= 5e-5, "seed \(seed), comparison \(comparisons), \(tokens) tokens at \(cache.length)")
        }
    }

    private func drive(_ kind: Kind, shape: CacheShape, operations: Int, seed: UInt64) throws {
        let specification = try kind.specification()
        let first = Pair(cache: try specification.cache(shape: shape, capacity: 400), plain: try kind.plain(shape))
        var drive = Drive(shape: shape, random: SeededGenerator(seed: seed), pairs: [first])
        for _ in 0..<operations {
            let index = Int(drive.random.next() % UInt64(drive.pairs.count)), length = drive.pairs[index].plain.length
            switch drive.random.next() % 16 {
            case 0:
                let cut = Int(drive.random.next() % UInt64(length + 10))
                try drive.pairs[index].cache.truncate(to: cut)
                drive.pairs[index].plain.truncate(to: cut)
            case 1 where drive.pairs.count < 4:
                drive.pairs.append(Pair(cache: try drive.pairs[index].cache.fork(), plain: drive.pairs[index].plain))
            case 2 where drive.pairs.count > 1: drive.pairs.remove(at: index)
            case 3, 4:
                let tokens = 1 + Int(drive.random.next() % 40)
                if length + tokens <= 400 {
                    let settles = drive.random.next() % 2 == 0
                    try drive.append(index, tokens: tokens, settles: settles, seed)
                }
            default:
                if length < 400 {
                    try drive.append(index, tokens: 1, settles: true, seed)
                } else {
                    try drive.pairs[index].cache.truncate(to: 3)
                    drive.pairs[index].plain.truncate(to: 3)
                }
            }
            for pair in drive.pairs {
                #expect(pair.cache.length == pair.plain.length, "seed \(seed)")
                #expect(pair.cache.bytes.used <= pair.cache.bytes.total)
            }
        }
        #expect(drive.comparisons > operations / 2)
    }

    @Test(arguments: kinds)
    func anyOrderOfOperationsEqualsThePlainModel(_ kind: Kind) throws {
        let operations = Int(ProcessInfo.processInfo.environment["KVATLAS_CACHE_OPERATIONS"] ?? "") ?? 400
        let seed = UInt64(ProcessInfo.processInfo.environment["KVATLAS_SEED"] ?? "") ?? 1
        try drive(kind, shape: Self.shape, operations: operations, seed: seed)
        try drive(kind, shape: Self.multiQuery, operations: operations / 2, seed: seed + 1)
    }

    @Test(arguments: kinds)
    func pagesAreAccountedBeforeTheyAreTaken(_ kind: Kind) throws {
        let specification = try kind.specification(), shape = Self.shape
        for length in [1, 31, 32, 33, 128, 257, 300] {
            let arena = PageArena()
            let cache = try specification.cache(shape: shape, capacity: 400, arena: arena)
            let row = [Float](repeating: 1, count: shape.kvHeads * shape.headDim)
            for _ in 0..<length {
                for layer in 0..<shape.layers {
                    try cache.append(layer: layer, tokens: 1, keys: row, values: row)
                    try cache.settle(layer: layer)
                }
            }
            // A window may begin and end within pages of 32 tokens.
            let slack = kind.name.hasPrefix("full") || kind.name.hasPrefix("simulated") ? 0 : 32 * 2 * 32 * 2 * 4
            #expect(cache.pageBytes(atLength: length) >= arena.pageBytes)
            #expect(cache.pageBytes(atLength: length) <= arena.pageBytes + slack)
        }
    }

    @Test func aBudgetIsKeptAndNothingIsLost() throws {
        let shape = Self.shape, arena = PageArena(budgetBytes: 300_000)
        let cache = try CacheSpecification(parsing: "kivi-2-g32-r32").cache(
            shape: shape,
            capacity: 100_000,
            arena: arena
        )
        let row = [Float](repeating: 1, count: shape.kvHeads * shape.headDim)
        var length = 0
        var failure: (any Error)?
        while failure == nil {
            do {
                for layer in 0..<shape.layers {
                    try cache.append(layer: layer, tokens: 1, keys: row, values: row)
                    try cache.settle(layer: layer)
                }
                length += 1
            } catch { failure = error }
        }
        guard case .outOfMemory(_, _, let budget)? = failure as? KernelError else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(budget == 300_000 && arena.pageBytes <= 300_000 && length > 100)
        try cache.truncate(to: length)
        #expect(cache.length == length)
    }

    @Test func aBatchThatCannotFitIsRefusedWithWhatWould() throws {
        let specification = try CacheSpecification(parsing: "kivi-2-g32-r128"), shape = Self.shape
        let one = try specification.cache(shape: shape, capacity: 4096).pageBytes(atLength: 4096)
        #expect(throws: Never.self) {
            try specification.caches(shape: shape, capacities: [4096, 4096, 4096], budgetBytes: 3 * one)
        }
        do {
            _ = try specification.caches(shape: shape, capacities: [4096, 4096, 4096], budgetBytes: 3 * one - 1)
            Issue.record("no error")
        } catch let error as ModelError {
            guard case .memoryBudget(_, 3, 4096, 3 * one, _, let sequences, let tokens) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(sequences == 2)
            #expect(specification.id == "kivi-2-g32-r128" && tokens > 3000 && tokens < 4096)
            #expect("\(error)".contains("2 sequences of 4096 tokens"))
        }
    }

    @Test func forksShareTheirPages() throws {
        let arena = PageArena(), shape = Self.shape
        let cache = try CacheSpecification(parsing: "full-f16").cache(shape: shape, capacity: 4096, arena: arena)
        let width = shape.kvHeads * shape.headDim
        let rows = [Float](repeating: 1, count: 1024 * width)
        for layer in 0..<shape.layers { try cache.append(layer: layer, tokens: 1024, keys: rows, values: rows) }
        let before = arena.pageBytes
        let caches = try [cache].reordered([0, 0, 0])
        #expect(arena.pageBytes == before && caches.count == 3 && caches[0] === cache)
        // One page a head, side and layer is what another token takes.
        try caches[1].append(layer: 0, tokens: 1, keys: rows, values: rows)
        #expect(arena.pageBytes == before + 2 * shape.kvHeads * 256 * shape.headDim * 2)
        #expect(caches[0].sequence(layer: 0).tokens == 1024 && caches[1].sequence(layer: 0).tokens == 1025)
    }

    @Test(arguments: [
        ("kivi-2-g32", "residual"), ("fullf16", "full-f16"), ("full-f64", "full-f16"),
        ("rtn-int4-token-whole", "simulated:rtn-int4-token-whole"), ("kivi-2-g32-r128+sink=4", "simulated:"),
        ("rtn-int2-token-g32/rtn-int2-channel-g32", "simulated:"), ("simulated:rtn-int2-channel-whole", "residual=R"),
    ])
    func namesThatAreNoCacheAreExplained(_ name: String, _ hint: String) throws {
        do {
            _ = try CacheSpecification(parsing: name).cache(shape: Self.shape, capacity: 10)
            Issue.record("'\(name)' was taken")
        } catch let error as any ActionableError {
            if name != "kivi-2-g32" { #expect("\(error)".contains(hint), "\(error)") }
        }
    }
}
