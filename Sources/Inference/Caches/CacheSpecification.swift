import Kernels
import Quantization
import TensorCore

/// A kind of cache by its name: `full-f16`, a cache scheme, or `simulated:` and a cache scheme.
public struct CacheSpecification: Sendable, Hashable {
    private enum Kind: Hashable {
        case full(FullCache.Precision)
        case packed(PackedCacheFormat)
        case simulated(CacheScheme, PackedCacheFormat.Prefill)
    }

    /// How names are written.
    public static let grammar =
        "full-f32, full-f16, a cache scheme such as kivi-2-g32-r128 or rtn-int4-token-g32+window=128, "
        + "or simulated: and any cache scheme"

    public let id: String
    private let kind: Kind

    /// - Parameters:
    ///   - order: of packed caches, when a step packs; simulated ones pack after attention.
    ///   - prefill: of packed and simulated caches, what a prompt sees of itself.
    ///   - accuracy: of packed caches, how products with codes are made.
    /// - Throws: `SchemeError` or `ModelError.invalidSetting`, naming what is wrong and what there is.
    public init(
        parsing text: String,
        order: PackedCacheFormat.Order = .afterAttention,
        prefill: PackedCacheFormat.Prefill = .exact,
        accuracy: Attention.Accuracy = .fast
    ) throws {
        let name = text.filter { !$0.isWhitespace }, simulated = "simulated:"
        if let precision = FullCache.Precision.allCases.first(where: { "full-\($0.rawValue)" == name }) {
            id = name
            kind = .full(precision)
        } else if name.hasPrefix("full") {
            throw ModelError.invalidSetting(
                name: "cache",
                value: "'\(name)'",
                expected: FullCache.Precision.allCases.map { "full-\($0.rawValue)" }.joined(separator: " or ")
            )
        } else if name.hasPrefix(simulated) {
            guard order == .afterAttention else {
                throw ModelError.invalidSetting(
                    name: "order",
                    value: "'\(order.rawValue)' for '\(name)'",
                    expected: "a packed cache, or the order after-attention, the only one of simulated caches"
                )
            }
            let scheme = try CacheScheme(parsing: String(name.dropFirst(simulated.count)))
            id = simulated + scheme.id
            kind = .simulated(scheme, prefill)
        } else {
            let scheme = try CacheScheme(parsing: name)
            var format = try PackedCacheFormat(scheme)
            (format.order, format.prefill, format.accuracy) = (order, prefill, accuracy)
            id = scheme.id
            kind = .packed(format)
        }
    }

    /// True for a cache that packs nothing.
    public var isFull: Bool { if case .full = kind { true } else { false } }

    /// When a step of one token packs; `nil` for a full cache, which never does.
    public var order: PackedCacheFormat.Order? {
        switch kind {
        case .full: nil
        case .packed(let format): format.order
        case .simulated: .afterAttention
        }
    }

    /// What tokens that come together see of each other; `nil` for a full cache, where it is all one.
    public var prefill: PackedCacheFormat.Prefill? {
        switch kind {
        case .full: nil
        case .packed(let format): format.prefill
        case .simulated(_, let prefill): prefill
        }
    }

    /// How products with codes are made; `nil` for a cache that holds none.
    public var accuracy: Attention.Accuracy? { if case .packed(let format) = kind { format.accuracy } else { nil } }

    /// An empty cache.
    ///
    /// - Throws: `ModelError.invalidSetting` for a scheme that cannot be simulated token by token.
    public func cache(shape: CacheShape, capacity: Int, arena: PageArena = PageArena()) throws -> any KVCache {
        switch kind {
        case .full(let precision):
            FullCache(shape: shape, capacity: capacity, precision: precision, arena: arena)
        case .packed(let format): PackedCache(shape: shape, capacity: capacity, format: format, arena: arena)
        case .simulated(let scheme, let prefill):
            try SimulatedCache(shape: shape, capacity: capacity, scheme: scheme, prefill: prefill, arena: arena)
        }
    }

    /// Caches of a batch, one a capacity, that share an arena.
    ///
    /// - Parameter budgetBytes: what their pages may take when all are full.
    /// - Throws: `ModelError.memoryBudget`, before anything is allocated.
    public func caches(shape: CacheShape, capacities: [Int], budgetBytes: Int? = nil) throws -> [any KVCache] {
        let arena = PageArena(budgetBytes: budgetBytes)
        let caches = try capacities.map { try cache(shape: shape, capacity: $0, arena: arena) }
        guard let budgetBytes, let first = caches.first else { return caches }
        let wanted = caches.reduce(0) { $0 + $1.pageBytes(atLength: $1.capacity) }
        guard wanted > budgetBytes else { return caches }
        let longest = capacities.max() ?? 0, each = first.pageBytes(atLength: longest)
        throw ModelError.memoryBudget(
            cache: id,
            sequences: caches.count,
            tokens: longest,
            wanted: wanted,
            budget: budgetBytes,
            sequencesThatFit: each > 0 ? budgetBytes / each : 0,
            tokensThatFit: Self.largestLength(of: first, budgetBytes / caches.count, below: longest)
        )
    }

    /// The greatest length whose pages fit.
    static func largestLength(of cache: any KVCache, _ bytes: Int, below limit: Int) -> Int {
        var fits = 0, fails = limit
        while fails - fits > 1 {
            let middle = (fits + fails) / 2
            if cache.pageBytes(atLength: middle) <= bytes { fits = middle } else { fails = middle }
        }
        return fits
    }
}
