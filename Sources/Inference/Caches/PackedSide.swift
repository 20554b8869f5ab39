import Kernels
import Quantization

/// Keys or values of one layer: packed tokens, then a window in float16.
final class PackedSide {
    /// Tokens of a page of the window. Small ones, since a window is a few of them.
    static let windowPageTokens = 32

    private let side: CacheSide
    private let format: PackedCacheFormat
    let packed: PackedStore
    private(set) var window: FullStore

    init(_ side: CacheSide, _ format: PackedCacheFormat, shape: CacheShape, arena: PageArena) {
        self.side = side
        self.format = format
        packed = PackedStore(
            format.packedFormat(side, channels: shape.headDim),
            kvHeads: shape.kvHeads,
            arena: arena
        )
        window = FullStore(
            .float16,
            kvHeads: shape.kvHeads,
            channels: shape.headDim,
            pageTokens: Self.windowPageTokens,
            isWindow: true,
            arena: arena
        )
    }

    private init(copying other: PackedSide) {
        (side, format) = (other.side, other.format)
        packed = other.packed.copy()
        window = other.window.copy()
    }

    func copy() -> PackedSide { PackedSide(copying: self) }

    /// Tokens, packed or not.
    var tokens: Int { window.tokens.upperBound }

    var bytes: CacheBytes {
        var bytes = CacheBytes()
        bytes.codes = packed.codeBytes
        bytes.scales = packed.metadataBytes
        bytes.fullPrecision = window.tokenBytes
        bytes.unused = packed.allocatedBytes + window.allocatedBytes - bytes.used
        return bytes
    }

    var cacheSide: Attention.CacheSide { Attention.CacheSide(packed: packed, store: window) }

    /// Packs what has left the window.
    ///
    /// - Throws: `KernelError.outOfMemory`; what was packed by then stays so.
    func settle() throws {
        let wanted = format.packedTokens(of: side, held: tokens)
        guard packed.tokens < wanted else { return }
        while packed.tokens < wanted {
            // A page at a time, so that the copy stays small whatever the prompt.
            try pack(min(wanted - packed.tokens, packed.largestPageTokens))
        }
        window.keepPages()
    }

    private func pack(_ count: Int) throws {
        let channels = window.channels, first = packed.tokens
        let elements = window.kvHeads * count * channels
        try withUnsafeTemporaryAllocation(of: UInt16.self, capacity: elements) { scratch in
            guard let halves = scratch.baseAddress else { return }
            for head in 0..<window.kvHeads {
                window.copyHalves(
                    head: head,
                    tokens: first..<first + count,
                    into: halves + head * count * channels
                )
            }
            try packed.append(.float16(halves), tokens: count, headStride: count * channels, tokenStride: channels)
        }
        window.dropTokens(before: packed.tokens)
    }

    /// Forgets the tokens from `length` on.
    ///
    /// If that cuts a packed group of keys, the tokens that it keeps go back to the window as they were rounded, and
    /// are rounded a second time when their group is full again.
    ///
    /// - Throws: `KernelError.outOfMemory`; the side then holds what it held.
    func truncate(to length: Int) throws {
        guard length < packed.tokens else { return window.truncate(to: length) }
        let whole = length - length % packed.format.appendStep, count = length - whole, channels = window.channels
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, 2 * count * window.kvHeads * channels)) {
            guard let kept = $0.baseAddress else { return }
            let tokenMajor = kept + count * window.kvHeads * channels
            for head in 0..<window.kvHeads where count > 0 {
                packed.dequantize(head: head, tokens: whole..<length, into: kept)
                for token in 0..<count {
                    let place = tokenMajor + (token * window.kvHeads + head) * channels
                    place.update(from: kept + token * channels, count: channels)
                }
            }
            let rest = window.empty(from: whole)
            if count > 0 { try rest.append(tokenMajor, tokens: count) }
            try packed.truncate(to: whole)
            window = rest
        }
    }
}
