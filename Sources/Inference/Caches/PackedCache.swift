import Kernels
import Quantization

/// A low-bit cache: codes that attention reads as they are, and a window of recent tokens in float16.
///
/// With a KIVI scheme it is KIVI's streaming cache (§3.3, Algorithm 1): keys per channel, packed R at a time, values
/// per token, packed when they are R tokens old. Pages are added, never moved; nothing is packed twice but what
/// ``truncate(to:)`` leaves of a group of keys.
public final class PackedCache: KVCache {
    public let shape: CacheShape
    public let capacity: Int
    public let format: PackedCacheFormat
    public var accuracy: Attention.Accuracy { format.accuracy }
    /// [layer]
    private let keys: [PackedSide]
    private let values: [PackedSide]

    /// - Parameters:
    ///   - capacity: tokens; memory is taken as they come.
    ///   - arena: where pages are taken from; caches of a batch may share one.
    public convenience init(
        shape: CacheShape,
        capacity: Int,
        format: PackedCacheFormat,
        arena: PageArena = PageArena()
    ) {
        func sides(_ side: CacheSide) -> [PackedSide] {
            (0..<shape.layers).map { _ in PackedSide(side, format, shape: shape, arena: arena) }
        }
        self.init(shape, capacity, format, keys: sides(.key), values: sides(.value))
    }

    private init(
        _ shape: CacheShape,
        _ capacity: Int,
        _ format: PackedCacheFormat,
        keys: [PackedSide],
        values: [PackedSide]
    ) {
        precondition(capacity >= 0, "capacity of \(capacity) tokens")
        self.shape = shape
        self.capacity = capacity
        self.format = format
        self.keys = keys
        self.values = values
    }

    public var length: Int { min(keys.lazy.map { $0.tokens }.min() ?? 0, values.lazy.map { $0.tokens }.min() ?? 0) }

    public var bytes: CacheBytes { (keys + values).reduce(CacheBytes()) { $0 + $1.bytes } }

    public func peak(prompt: Int, capacity: Int, step: Int) -> CachePeak {
        format.peak(shape: shape, prompt: prompt, capacity: capacity, step: step)
    }

    public func append(
        layer: Int,
        tokens: Int,
        keys newKeys: UnsafePointer<Float>,
        values newValues: UnsafePointer<Float>,
        settles: Bool
    ) throws {
        let held = keys[layer].tokens
        try checkRoom(layer: held, tokens: tokens)
        try keys[layer].window.append(newKeys, tokens: tokens)
        do {
            try values[layer].window.append(newValues, tokens: tokens)
        } catch {
            keys[layer].window.truncate(to: held)
            throw error
        }
        let packsFirst = tokens == 1 ? format.order == .beforeAttention : format.prefill == .inPlace
        if packsFirst && settles { try settle(layer: layer) }
    }

    public func sequence(layer: Int) -> Attention.SequenceCache {
        Attention.SequenceCache(
            tokens: keys[layer].tokens,
            keys: keys[layer].cacheSide,
            values: values[layer].cacheSide
        )
    }

    public func settle(layer: Int) throws {
        try keys[layer].settle()
        try values[layer].settle()
    }

    public func truncate(to length: Int) throws {
        precondition(length >= 0, "length of \(length) tokens")
        for side in keys + values { try side.truncate(to: length) }
    }

    public func fork() -> any KVCache {
        PackedCache(shape, capacity, format, keys: keys.map { $0.copy() }, values: values.map { $0.copy() })
    }
}
