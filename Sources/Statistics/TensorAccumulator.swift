import Kernels

/// Gathers the statistics of one layer's tensor, channel by channel, from slabs of its tokens.
///
/// Elements are cut into blocks of `blockTokens` tokens, counted from the first
/// token, and blocks are merged in order, so that results are the same bit for
/// bit however the tokens are split into slabs and for any number of threads.
/// Heads and the layer are merged from their channels at the end.
///
/// Memory: 8 KB of counters and a few sums a channel, and one block of elements.
public struct TensorAccumulator {
    /// Tokens whose power sums are taken together.
    public static let blockTokens = 256
    /// Channels that one work item sweeps: 64 bytes of float16, a cache line.
    static let stripChannels = 32

    public let heads: Int
    public let headDim: Int
    /// Tokens appended so far.
    public private(set) var tokens = 0
    private var strips: [ChannelStrip]
    /// Tokens that do not fill a block yet.
    private var pendingHalf: [UInt16] = []
    private var pendingFloat: [Float] = []

    public init(heads: Int, headDim: Int) {
        precondition(heads >= 0 && headDim >= 0, "\(heads) heads of \(headDim) channels")
        self.heads = heads
        self.headDim = headDim
        strips = stride(from: 0, to: heads * headDim, by: Self.stripChannels).map {
            ChannelStrip(channels: $0..<min($0 + Self.stripChannels, heads * headDim))
        }
    }

    /// Adds the next tokens as float16 bits, `[token, head, channel]`.
    ///
    /// - Precondition: whole tokens; one tensor is appended either as float16 or as float32.
    /// - Complexity: O(elements), on all threads.
    public mutating func append(half elements: UnsafeBufferPointer<UInt16>) {
        precondition(pendingFloat.isEmpty, "float16 appended after float32")
        append(elements, pending: \.pendingHalf)
    }

    /// Adds the next tokens as float32, `[token, head, channel]`, as `append(half:)`.
    public mutating func append(float elements: UnsafeBufferPointer<Float>) {
        precondition(pendingHalf.isEmpty, "float32 appended after float16")
        append(elements, pending: \.pendingFloat)
    }

    /// The summary of all tokens appended so far.
    public consuming func finish() -> TensorSummary {
        let width = heads * headDim
        if !pendingHalf.isEmpty {
            pendingHalf.withUnsafeBufferPointer { strips.sweep($0, tokens: $0.count / width, width: width) }
        }
        if !pendingFloat.isEmpty {
            pendingFloat.withUnsafeBufferPointer { strips.sweep($0, tokens: $0.count / width, width: width) }
        }
        return TensorSummary(heads: heads, headDim: headDim, tokens: tokens, strips: strips)
    }

    private mutating func append<Element: SlabElement>(
        _ elements: UnsafeBufferPointer<Element>,
        pending: WritableKeyPath<TensorAccumulator, [Element]>
    ) {
        let width = heads * headDim
        guard width > 0 else { return }
        precondition(elements.count.isMultiple(of: width), "\(elements.count) elements for tokens of \(width)")
        tokens += elements.count / width
        var rest = elements[...]
        if !self[keyPath: pending].isEmpty {
            let missing = rest.prefix(Self.blockTokens * width - self[keyPath: pending].count)
            self[keyPath: pending].append(contentsOf: missing)
            rest = rest.dropFirst(missing.count)
            let block = self[keyPath: pending]
            guard block.count == Self.blockTokens * width else { return }
            block.withUnsafeBufferPointer { strips.sweep($0, tokens: Self.blockTokens, width: width) }
            self[keyPath: pending] = []
        }
        let whole = rest.count / width / Self.blockTokens * Self.blockTokens
        strips.sweep(UnsafeBufferPointer(rebasing: rest.prefix(whole * width)), tokens: whole, width: width)
        self[keyPath: pending] += rest.dropFirst(whole * width)
    }
}

extension [ChannelStrip] {
    /// Adds `tokens` rows of `width` elements, block after block in each strip, strips side by side.
    fileprivate mutating func sweep<Stored: SlabElement>(
        _ elements: UnsafeBufferPointer<Stored>,
        tokens: Int,
        width: Int
    ) {
        guard let base = elements.baseAddress, tokens > 0 else { return }
        withUnsafeMutableBufferPointer { strips in
            // Each index touches its own strip only.
            nonisolated(unsafe) let strips = strips
            Parallel.forEach(strips.count) { index in
                for first in stride(from: 0, to: tokens, by: TensorAccumulator.blockTokens) {
                    let block = base + (first * width + strips[index].channels.lowerBound)
                    let count = Swift.min(TensorAccumulator.blockTokens, tokens - first)
                    strips[index].add(block, tokens: count, stride: width)
                }
            }
        }
    }
}
