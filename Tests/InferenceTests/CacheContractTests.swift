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

    typealias Kind = CacheDrive.Kind

    static let kinds: [Kind] =
        [
            "full-f32", "full-f16", "kivi-2-g32-r128", "kivi-2-g32-r32", "kivi-4-g32-r64", "kivi-1-g8-r8",
            "kivi-3-g32-r32", "kivi-8-g16-r32", "rtn-int4-channel-g32/rtn-int2-token-g16+residual=64",
            "rtn-int4-token-g32", "rtn-int8-token-g32+window=20",
            "rtn-int4-channel-g32/rtn-int4-token-g32+window=10", "simulated:rtn-int4-token-whole+window=5",
            "simulated:rtn-int4-channel-g8",
        ].map { Kind(name: $0) } + [
            Kind(name: "kivi-2-g32-r32", order: .beforeAttention), Kind(name: "kivi-4-g32-r32", prefill: .inPlace),
            Kind(name: "simulated:kivi-2-g8-r8", prefill: .inPlace),
            Kind(name: "kivi-2-g32-r128", accuracy: .fast, budget: 0.1),
            Kind(name: "kivi-4-g32-r32", accuracy: .fast, budget: 2e-3),
        ]

    @Test(arguments: kinds)
    func anyOrderOfOperationsEqualsThePlainModel(_ kind: Kind) throws {
        let operations = Int(ProcessInfo.processInfo.environment["KVATLAS_CACHE_OPERATIONS"] ?? "") ?? 300
        let seed = UInt64(ProcessInfo.processInfo.environment["KVATLAS_SEED"] ?? "") ?? 1
        var short = try CacheDrive(kind, Self.shape, capacity: 400, longestLeap: 40, seed: seed)
        try short.run(operations)
        // Beyond 1,024 tokens, where packed pages are large ones.
        var long = try CacheDrive(kind, Self.multiQuery, capacity: 1600, longestLeap: 700, seed: seed + 1)
        try long.run(operations / 2, start: 1100)
        #expect(long.longest > 1100)
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
        ("rtn-int2-token-g32/rtn-int2-channel-g32", "simulated:"), ("simulated:kvquant-2", "--calibration"),
        ("simulated:aqua-kv-2", "the layer before"), ("zipcache-4-2", "with a packed cache"),
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
