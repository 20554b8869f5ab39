import Kernels

/// Keys and values at full precision, `[layer, kv_head, token, channel]`.
///
/// Room for the capacity is reserved, not touched: the operating system gives a page when it is first written.
public final class FullCache: KVCache {
    /// How elements are stored.
    public enum Precision: String, Sendable, CaseIterable {
        case float32 = "f32"
        /// Rounded to nearest even when appended.
        case float16 = "f16"

        var bytesPerElement: Int { self == .float32 ? 4 : 2 }
    }

    public let shape: CacheShape
    public let capacity: Int
    public let precision: Precision
    private let keys: UnsafeMutableRawPointer
    private let values: UnsafeMutableRawPointer
    private var lengths: [Int]

    /// - Parameter capacity: tokens.
    public init(shape: CacheShape, capacity: Int, precision: Precision = .float32) {
        precondition(capacity >= 0, "capacity of \(capacity) tokens")
        self.shape = shape
        self.capacity = capacity
        self.precision = precision
        let bytes = max(1, shape.layers * shape.kvHeads * capacity * shape.headDim * precision.bytesPerElement)
        keys = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        values = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        lengths = [Int](repeating: 0, count: shape.layers)
    }

    deinit {
        keys.deallocate()
        values.deallocate()
    }

    public var length: Int { lengths.min() ?? 0 }

    public var byteCount: Int {
        2 * lengths.reduce(0, +) * shape.kvHeads * shape.headDim * precision.bytesPerElement
    }

    public func append(
        layer: Int,
        tokens: Int,
        keys newKeys: UnsafePointer<Float>,
        values newValues: UnsafePointer<Float>
    ) throws {
        let held = lengths[layer]
        guard held + tokens <= capacity else {
            throw ModelError.cacheFull(held: held, added: tokens, capacity: capacity)
        }
        for head in 0..<shape.kvHeads {
            let place = elementOffset(layer: layer, head: head, token: held)
            store(newKeys, head: head, tokens: tokens, at: keys, offset: place)
            store(newValues, head: head, tokens: tokens, at: values, offset: place)
        }
        lengths[layer] = held + tokens
    }

    public func attend(
        layer: Int,
        tokens: Int,
        queries: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>
    ) {
        let attention = Attention.Shape(heads: shape.heads, kvHeads: shape.kvHeads, channels: shape.headDim)
        let keyView = view(keys, layer: layer), valueView = view(values, layer: layer)
        let held = lengths[layer]
        if tokens == 1 {
            Attention.decode(
                query: queries,
                tokens: held,
                shape: attention,
                keys: keyView,
                values: valueView,
                into: output
            )
        } else {
            Attention.prefill(
                queries: queries,
                tokens: tokens,
                firstPosition: held - tokens,
                shape: attention,
                keys: keyView,
                values: valueView,
                into: output
            )
        }
    }

    public func truncate(to length: Int) {
        precondition(length >= 0, "length of \(length) tokens")
        lengths = lengths.map { min($0, length) }
    }

    private func elementOffset(layer: Int, head: Int, token: Int) -> Int {
        ((layer * shape.kvHeads + head) * capacity + token) * shape.headDim
    }

    /// Copies one head of `[token, kv_head, channel]` to consecutive rows.
    private func store(
        _ source: UnsafePointer<Float>,
        head: Int,
        tokens: Int,
        at base: UnsafeMutableRawPointer,
        offset: Int
    ) {
        let channels = shape.headDim, tokenStride = shape.kvHeads * channels
        for token in 0..<tokens {
            let row = source + token * tokenStride + head * channels
            let place = offset + token * channels
            switch precision {
            case .float32: (base.assumingMemoryBound(to: Float.self) + place).update(from: row, count: channels)
            case .float16:
                HalfConversion.toHalf(row, base.assumingMemoryBound(to: UInt16.self) + place, count: channels)
            }
        }
    }

    private func view(_ base: UnsafeMutableRawPointer, layer: Int) -> Attention.CacheView {
        let place = elementOffset(layer: layer, head: 0, token: 0)
        let headStride = capacity * shape.headDim
        switch precision {
        case .float32:
            return Attention.CacheView(
                float32: base.assumingMemoryBound(to: Float.self) + place,
                headStride: headStride,
                tokenStride: shape.headDim
            )
        case .float16:
            return Attention.CacheView(
                float16: base.assumingMemoryBound(to: UInt16.self) + place,
                headStride: headStride,
                tokenStride: shape.headDim
            )
        }
    }
}
