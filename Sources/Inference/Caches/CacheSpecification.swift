import Kernels
import Quantization
import TensorCore

/// A kind of cache by its name: `full-f16`, a cache scheme, or `simulated:` and a cache scheme.
public struct CacheSpecification: Sendable, Hashable {
    enum Kind: Hashable {
        case full(FullCache.Precision)
        case packed(PackedCacheFormat)
        case simulated(CacheScheme, PackedCacheFormat.Prefill, LearntArrays)
    }

    /// How names are written.
    public static let grammar =
        "full-f32, full-f16, a cache scheme such as kivi-2-g32-r128 or rtn-int4-token-g32+window=128, "
        + "or simulated: and any cache scheme"

    public let id: String
    let kind: Kind

    /// - Parameters:
    ///   - order: of packed caches, when a step packs; simulated ones pack after attention.
    ///   - prefill: of packed and simulated caches, what a prompt sees of itself.
    ///   - accuracy: of packed caches, how products with codes are made.
    ///   - learnt: of simulated caches, what a scheme has learnt of the model; `nil` if there is no calibration.
    /// - Throws: `SchemeError` or `ModelError.invalidSetting`, naming what is wrong and what there is.
    public init(
        parsing text: String,
        order: PackedCacheFormat.Order = .afterAttention,
        prefill: PackedCacheFormat.Prefill = .exact,
        accuracy: Attention.Accuracy = .fast,
        learnt: ((CacheScheme) throws -> LearntArrays)? = nil
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
            try SimulatedScheme.check(scheme, isCalibrated: learnt != nil)
            id = simulated + scheme.id
            kind = .simulated(scheme, prefill, try learnt?(scheme) ?? [:])
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
        case .simulated(_, let prefill, _): prefill
        }
    }

    /// How products with codes are made; `nil` for a cache that holds none.
    public var accuracy: Attention.Accuracy? { if case .packed(let format) = kind { format.accuracy } else { nil } }

    /// An empty cache.
    ///
    /// - Throws: for a simulated cache, `SchemeError` if the model's heads do not suit the scheme.
    public func cache(shape: CacheShape, capacity: Int, arena: PageArena = PageArena()) throws -> any KVCache {
        switch kind {
        case .full(let precision):
            FullCache(shape: shape, capacity: capacity, precision: precision, arena: arena)
        case .packed(let format): PackedCache(shape: shape, capacity: capacity, format: format, arena: arena)
        case .simulated(let scheme, let prefill, let learnt):
            try SimulatedCache(
                shape: shape,
                capacity: capacity,
                scheme: scheme,
                prefill: prefill,
                learnt: learnt,
                arena: arena
            )
        }
    }

    /// Caches of a batch, one a capacity, that share an arena.
    public func caches(shape: CacheShape, capacities: [Int]) throws -> [any KVCache] {
        let arena = PageArena()
        return try capacities.map { try cache(shape: shape, capacity: $0, arena: arena) }
    }

    /// Caches of a batch that share an arena, if its budget is enough for all to grow to their capacities.
    ///
    /// - Parameters:
    ///   - prompts: tokens that each sequence begins with.
    ///   - step: tokens that come together after the prompts: one, and drafts.
    /// - Throws: `ModelError.memoryBudget`, before anything is allocated.
    public func caches(
        shape: CacheShape,
        prompts: [Int],
        capacities: [Int],
        step: Int = 1,
        arena: PageArena
    ) throws -> [any KVCache] {
        precondition(prompts.count == capacities.count, "\(prompts.count) prompts, \(capacities.count) capacities")
        let caches = try capacities.map { try cache(shape: shape, capacity: $0, arena: arena) }
        guard let budgetBytes = arena.budgetBytes, let first = caches.first else { return caches }
        func peak(_ prompt: Int, _ capacity: Int) -> CachePeak {
            first.peak(prompt: min(prompt, capacity), capacity: capacity, step: step)
        }
        let wanted = zip(prompts, capacities).reduce(CachePeak()) { $0 + peak($1.0, $1.1) }.bytes
        guard wanted > budgetBytes else { return caches }
        let longest = capacities.max() ?? 0, prompt = prompts.max() ?? 0
        throw ModelError.memoryBudget(
            cache: id,
            sequences: caches.count,
            tokens: longest,
            wanted: wanted,
            budget: budgetBytes,
            sequencesThatFit: peak(prompt, longest).count(within: budgetBytes),
            tokensThatFit: Self.largestLength(below: longest, prompt: prompt) {
                peak(prompt, $0).count(within: budgetBytes) >= caches.count
            }
        )
    }

    /// The greatest length that fits.
    ///
    /// - Parameter fits: of lengths beyond the prompt, if one does, shorter ones do.
    static func largestLength(below limit: Int, prompt: Int, fits: (Int) -> Bool) -> Int {
        guard prompt < limit, fits(prompt) else {
            // Prompts cut shorter: one in the middle of a residual may take more than a longer one.
            return (0..<min(prompt, limit)).last { fits($0) } ?? 0
        }
        var (yes, no) = (prompt, limit)
        while no - yes > 1 {
            let middle = (yes + no) / 2
            if fits(middle) { yes = middle } else { no = middle }
        }
        return yes
    }
}
