import Kernels
import Quantization

/// A float32 cache whose tokens go through a scheme when they leave the window: what any scheme of the catalogue does
/// to a model, not what it saves.
public final class SimulatedCache: KVCache {
    public let shape: CacheShape
    public let capacity: Int
    public let scheme: CacheScheme
    public let prefill: PackedCacheFormat.Prefill
    public var accuracy: Attention.Accuracy { .exact }
    /// [layer]
    private let keys: [FullStore]
    private let values: [FullStore]
    /// Tokens of each layer that have been round-tripped or are kept as sinks.
    private var done: [CacheSide: [Int]]

    /// - Throws: `ModelError.invalidSetting` for groups of all tokens without a residual: tokens that leave the window
    ///   one by one would be groups of one, which are exact.
    public convenience init(
        shape: CacheShape,
        capacity: Int,
        scheme: CacheScheme,
        prefill: PackedCacheFormat.Prefill = .exact,
        arena: PageArena = PageArena()
    ) throws {
        for side in CacheSide.allCases {
            let own = scheme.scheme(for: side)
            guard own.scaleSharing == .perChannel, own.groupSize == .whole else { continue }
            // A residual of one token packs each alone.
            if side == .key, case .residual(let length) = scheme.window.recent, length > 1 { continue }
            throw ModelError.invalidSetting(
                name: "cache",
                value: scheme.id,
                expected:
                    "groups of a fixed size, or keys with '+residual=R' and R of at least 2: "
                    + "one new token would be a group of its own, which is exact"
            )
        }
        func stores() -> [FullStore] {
            (0..<shape.layers).map { _ in
                FullStore(.float32, kvHeads: shape.kvHeads, channels: shape.headDim, arena: arena)
            }
        }
        let none = [Int](repeating: 0, count: shape.layers)
        self.init(shape, capacity, scheme, prefill, stores(), stores(), done: [.key: none, .value: none])
    }

    private init(
        _ shape: CacheShape,
        _ capacity: Int,
        _ scheme: CacheScheme,
        _ prefill: PackedCacheFormat.Prefill,
        _ keys: [FullStore],
        _ values: [FullStore],
        done: [CacheSide: [Int]]
    ) {
        self.shape = shape
        self.capacity = capacity
        self.scheme = scheme
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

    public func settle(layer: Int) throws {
        try settle(.key, layer: layer, keys[layer])
        try settle(.value, layer: layer, values[layer])
    }

    private func settle(_ side: CacheSide, layer: Int, _ store: FullStore) throws {
        let own = scheme.scheme(for: side)
        let range = scheme.window.quantizedRange(of: side, tokens: store.tokens.count)
        let first = max(range.lowerBound, done[side]?[layer] ?? 0), end = wholeGroups(own, until: range.upperBound)
        guard end > first else { return }
        let count = end - first, channels = shape.headDim
        var floats = [Float](repeating: 0, count: shape.kvHeads * count * channels)
        floats.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for head in 0..<shape.kvHeads {
                store.copy(head: head, tokens: first..<end, into: base + head * count * channels)
            }
        }
        let block = KVBlock(heads: shape.kvHeads, tokens: count, channels: channels, values: floats)
        let tensor = try own.decode(own.encode(block))
        for head in 0..<shape.kvHeads {
            try store.withMutableRows(head: head, tokens: first..<end) { token, row in
                let place = (head * count + token - first) * channels
                for channel in 0..<channels { row[channel] = tensor.elements[place + channel] }
            }
        }
        done[side]?[layer] = end
    }

    /// Per channel a group is complete or waits.
    private func wholeGroups(_ scheme: any TensorScheme, until end: Int) -> Int {
        guard scheme.scaleSharing == .perChannel, case .elements(let group) = scheme.groupSize else { return end }
        return end - max(0, end - self.scheme.window.sink) % group
    }

    /// Forgets the tokens from `length` on; those that are left of a group of keys go through the scheme again when it
    /// is full.
    public func truncate(to length: Int) throws {
        precondition(length >= 0, "length of \(length) tokens")
        for store in keys + values { store.truncate(to: length) }
        for side in CacheSide.allCases {
            let own = scheme.scheme(for: side)
            done[side] = done[side]?.map { $0 > length ? wholeGroups(own, until: length) : $0 }
        }
    }

    public func fork() -> any KVCache {
        SimulatedCache(
            shape,
            capacity,
            scheme,
            prefill,
            keys.map { $0.copy() },
            values.map { $0.copy() },
            done: done
        )
    }
}
