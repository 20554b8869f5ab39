import TensorCore

/// What a cache gives back of one side, and what it kept for it.
public struct RoundTrip: Sendable {
    /// Float32 `[kv_head, token, channel]`, window included.
    public let tensor: Tensor
    /// Bytes of codes and metadata.
    public let packedBytes: Int
    /// Elements that the packed bytes stand for.
    public let packedElements: Int
    /// Elements that stay in float16, 2 bytes each.
    public let windowElements: Int
    /// Bits for an element of a cache without window: `8 · packed bytes / packed elements`.
    ///
    /// If the window holds every token, all of them are packed once to measure it.
    public let bitsAsymptotic: Double

    public var elements: Int { packedElements + windowElements }
    public var bytes: Int { packedBytes + 2 * windowElements }
    /// Bits for an element of this cache at its length; 0 for an empty one.
    public var bitsAtLength: Double { elements == 0 ? 0 : 8 * Double(bytes) / Double(elements) }
}

extension CacheScheme {
    /// Stores keys `[kv_head, token, channel]` and reads them back.
    ///
    /// - Complexity: O(elements); a copy of the quantized tokens if there is a window.
    public func roundTripKeys(_ block: KVBlock) throws -> RoundTrip { try roundTrip(block, side: .key) }

    /// Stores values `[kv_head, token, channel]` and reads them back.
    public func roundTripValues(_ block: KVBlock) throws -> RoundTrip { try roundTrip(block, side: .value) }

    /// Stores one side and reads it back.
    ///
    /// - Parameter context: what the scheme has learnt and may look at, of all the block's tokens.
    /// - Throws: `SchemeError` if the block does not suit the scheme, or it lacks what it must know.
    public func roundTrip(_ block: KVBlock, side: CacheSide, context: SchemeContext? = nil) throws -> RoundTrip {
        let range = window.quantizedRange(of: side, tokens: block.tokens)
        let plain = scheme(for: side)
        let scheme = try plain.prepared(for: (context ?? SchemeContext(side: side)).tokens(range))
        let packed = try scheme.encode(block.tokens(range))
        let decoded = try scheme.decode(packed)
        let isAllPacked = range.count == block.tokens
        let isAllWindow = range.isEmpty && block.tokens > 0
        let withoutWindow =
            isAllWindow ? try plain.prepared(for: context ?? SchemeContext(side: side)).encode(block) : packed
        return RoundTrip(
            tensor: isAllPacked ? decoded : merge(decoded, at: range, into: block),
            packedBytes: packed.byteCount,
            packedElements: packed.elementCount,
            windowElements: block.elementCount - packed.elementCount,
            bitsAsymptotic: withoutWindow.bitsPerElement
        )
    }

    /// The block in float32, with the tokens of `range` as they were decoded.
    private func merge(_ decoded: Tensor, at range: Range<Int>, into block: KVBlock) -> Tensor {
        var merged = block.decoded()
        let count = range.count * block.channels
        for head in 0..<block.heads where count > 0 {
            let start = (head * block.tokens + range.lowerBound) * block.channels
            merged.elements.replaceSubrange(
                start..<start + count,
                with: decoded.elements[head * count..<(head + 1) * count]
            )
        }
        return merged
    }
}
