import Kernels

/// Keys and values at full precision, in pages that never move.
public final class FullCache: KVCache {
    /// How elements are stored.
    public enum Precision: String, Sendable, CaseIterable {
        case float32 = "f32"
        /// Rounded to nearest even when appended.
        case float16 = "f16"

        var attention: Attention.Precision { self == .float32 ? .float32 : .float16 }
        var elementBytes: Int { self == .float32 ? 4 : 2 }
    }

    public let shape: CacheShape
    public let capacity: Int
    public let precision: Precision
    public var accuracy: Attention.Accuracy { .exact }
    /// [layer]
    private let keys: [FullStore]
    private let values: [FullStore]

    /// - Parameters:
    ///   - capacity: tokens; memory is taken as they come.
    ///   - arena: where pages are taken from; caches of a batch may share one.
    public convenience init(
        shape: CacheShape,
        capacity: Int,
        precision: Precision = .float32,
        arena: PageArena = PageArena()
    ) {
        func stores() -> [FullStore] {
            (0..<shape.layers).map { _ in
                FullStore(precision.attention, kvHeads: shape.kvHeads, channels: shape.headDim, arena: arena)
            }
        }
        self.init(shape, capacity, precision, keys: stores(), values: stores())
    }

    private init(_ shape: CacheShape, _ capacity: Int, _ precision: Precision, keys: [FullStore], values: [FullStore]) {
        precondition(capacity >= 0, "capacity of \(capacity) tokens")
        self.shape = shape
        self.capacity = capacity
        self.precision = precision
        self.keys = keys
        self.values = values
    }

    public var length: Int { keys.lazy.map { $0.tokens.count }.min() ?? 0 }

    public var bytes: CacheBytes {
        var bytes = CacheBytes()
        for store in keys + values {
            bytes.fullPrecision += store.tokenBytes
            bytes.unused += store.allocatedBytes - store.tokenBytes
        }
        return bytes
    }

    /// What a cache of so many tokens takes, from its lengths alone.
    static func restingBytes(shape: CacheShape, tokens: Int, precision: Precision) -> CacheBytes {
        let pages =
            2 * shape.layers
            * FullStore.pageBytes(
                precision.attention,
                kvHeads: shape.kvHeads,
                channels: shape.headDim,
                tokens: 0..<tokens
            )
        var bytes = CacheBytes()
        bytes.fullPrecision = tokens * shape.elementsPerToken * precision.elementBytes
        bytes.unused = pages - bytes.fullPrecision
        return bytes
    }

    public func peak(prompt: Int, capacity: Int, step: Int) -> CachePeak {
        func bytes(_ tokens: Int) -> Int {
            Self.restingBytes(shape: shape, tokens: tokens, precision: precision).total
        }
        return CachePeak(prompt: bytes(prompt), steps: bytes(capacity))
    }

    public func append(
        layer: Int,
        tokens: Int,
        keys newKeys: UnsafePointer<Float>,
        values newValues: UnsafePointer<Float>,
        settles: Bool
    ) throws {
        let held = keys[layer].tokens.count
        try checkRoom(layer: held, tokens: tokens)
        try keys[layer].append(newKeys, tokens: tokens)
        do {
            try values[layer].append(newValues, tokens: tokens)
        } catch {
            keys[layer].truncate(to: held)
            throw error
        }
    }

    public func sequence(layer: Int) -> Attention.SequenceCache {
        Attention.SequenceCache(
            tokens: keys[layer].tokens.count,
            keys: Attention.CacheSide(store: keys[layer]),
            values: Attention.CacheSide(store: values[layer])
        )
    }

    public func settle(layer: Int) {}

    public func truncate(to length: Int) {
        precondition(length >= 0, "length of \(length) tokens")
        for store in keys + values { store.truncate(to: length) }
    }

    /// Writes some tokens' keys and values of a layer, `[token, kv_head, channel]`.
    /// - Precondition: the tokens are held.
    package func copy(
        layer: Int,
        tokens range: Range<Int>,
        keys keyTarget: UnsafeMutablePointer<Float>,
        values valueTarget: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.headDim
        withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count * channels) { scratch in
            guard let rows = scratch.baseAddress else { return }
            for (store, target) in [(keys[layer], keyTarget), (values[layer], valueTarget)] {
                for head in 0..<shape.kvHeads {
                    store.copy(head: head, tokens: range, into: rows)
                    for token in 0..<range.count {
                        (target + (token * shape.kvHeads + head) * channels)
                            .update(from: rows + token * channels, count: channels)
                    }
                }
            }
        }
    }

    public func fork() -> any KVCache {
        FullCache(shape, capacity, precision, keys: keys.map { $0.copy() }, values: values.map { $0.copy() })
    }
}
