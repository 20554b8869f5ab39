import Kernels
import Quantization

/// A float32 cache whose tokens go through a scheme when they leave the window: what any scheme of the catalogue does
/// to a model, not what it saves.
///
/// Tokens wait until as many have left the window as the scheme must see together (``SimulatedScheme``), so that what
/// is measured is the scheme at the bits that it states.
public final class SimulatedCache: KVCache {
    public let shape: CacheShape
    public let capacity: Int
    public var scheme: CacheScheme { simulated.scheme }
    public let prefill: PackedCacheFormat.Prefill
    public var accuracy: Attention.Accuracy { .exact }
    private let simulated: SimulatedScheme
    /// [layer]
    private let keys: [FullStore]
    private let values: [FullStore]
    /// Tokens of each layer that have been round-tripped or are kept as sinks.
    private var done: [CacheSide: [Int]]

    /// - Parameter learnt: what the scheme has learnt of the model, if it must.
    /// - Throws: as ``SimulatedScheme/init(_:shape:learnt:)``.
    public convenience init(
        shape: CacheShape,
        capacity: Int,
        scheme: CacheScheme,
        prefill: PackedCacheFormat.Prefill = .exact,
        learnt: LearntArrays = [:],
        arena: PageArena = PageArena()
    ) throws {
        func stores() -> [FullStore] {
            (0..<shape.layers).map { _ in
                FullStore(.float32, kvHeads: shape.kvHeads, channels: shape.headDim, arena: arena)
            }
        }
        let none = [Int](repeating: 0, count: shape.layers)
        self.init(
            shape,
            capacity,
            try SimulatedScheme(scheme, shape: shape, learnt: learnt),
            prefill,
            stores(),
            stores(),
            done: [.key: none, .value: none]
        )
    }

    private init(
        _ shape: CacheShape,
        _ capacity: Int,
        _ simulated: SimulatedScheme,
        _ prefill: PackedCacheFormat.Prefill,
        _ keys: [FullStore],
        _ values: [FullStore],
        done: [CacheSide: [Int]]
    ) {
        self.shape = shape
        self.capacity = capacity
        self.simulated = simulated
        self.prefill = prefill
        self.keys = keys
        self.values = values
        self.done = done
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

    public func peak(prompt: Int, capacity: Int, step: Int) -> CachePeak {
        func bytes(_ tokens: Int) -> Int {
            FullCache.restingBytes(shape: shape, tokens: tokens, precision: .float32).total
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
        if tokens > 1 && prefill == .inPlace && settles { try settle(layer: layer) }
    }

    public func sequence(layer: Int) -> Attention.SequenceCache {
        Attention.SequenceCache(
            tokens: keys[layer].tokens.count,
            keys: Attention.CacheSide(store: keys[layer]),
            values: Attention.CacheSide(store: values[layer])
        )
    }

    /// A copy of what a side of a layer holds, `[token, kv_head, channel]`.
    package func rows(_ side: CacheSide, layer: Int) -> [Float] {
        let store = side == .key ? keys[layer] : values[layer]
        let tokens = store.tokens.count, channels = shape.headDim
        var head = [Float](repeating: 0, count: tokens * channels)
        var all = [Float](repeating: 0, count: tokens * shape.kvHeads * channels)
        for index in 0..<shape.kvHeads {
            head.withUnsafeMutableBufferPointer { buffer in
                if let base = buffer.baseAddress { store.copy(head: index, tokens: 0..<tokens, into: base) }
            }
            for token in 0..<tokens {
                let place = (token * shape.kvHeads + index) * channels
                for channel in 0..<channels { all[place + channel] = head[token * channels + channel] }
            }
        }
        return all
    }

    public func settle(layer: Int) throws {
        try settle(.key, layer: layer, keys[layer])
        try settle(.value, layer: layer, values[layer])
    }

    private func settle(_ side: CacheSide, layer: Int, _ store: FullStore) throws {
        let range = scheme.window.quantizedRange(of: side, tokens: store.tokens.count)
        let first = max(range.lowerBound, done[side]?[layer] ?? 0)
        let end = simulated.wholeBlocks(of: side, until: range.upperBound)
        guard end > first else { return }
        let count = end - first, channels = shape.headDim
        var floats = [Float](repeating: 0, count: shape.kvHeads * count * channels)
        floats.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for head in 0..<shape.kvHeads {
                store.copy(head: head, tokens: first..<end, into: base + head * count * channels)
            }
        }
        try simulated.roundTrip(&floats, side: side, layer: layer, tokens: first..<end)
        for head in 0..<shape.kvHeads {
            try store.withMutableRows(head: head, tokens: first..<end) { token, row in
                let place = (head * count + token - first) * channels
                for channel in 0..<channels { row[channel] = floats[place + channel] }
            }
        }
        done[side]?[layer] = end
    }

    /// Forgets the tokens from `length` on; those that are left of a block go through the scheme again when it is
    /// full.
    public func truncate(to length: Int) throws {
        precondition(length >= 0, "length of \(length) tokens")
        for store in keys + values { store.truncate(to: length) }
        for side in CacheSide.allCases {
            done[side] = done[side]?.map { $0 > length ? simulated.wholeBlocks(of: side, until: length) : $0 }
        }
    }

    public func fork() -> any KVCache {
        SimulatedCache(
            shape,
            capacity,
            simulated,
            prefill,
            keys.map { $0.copy() },
            values.map { $0.copy() },
            done: done
        )
    }
}
