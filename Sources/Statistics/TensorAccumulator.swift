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
        var pending: [UInt16] = []
        swap(&pending, &pendingHalf)
        append(elements, pending: &pending) { $0.add(half: $1, tokens: $2, stride: $3) }
        pendingHalf = pending
    }

    /// Adds the next tokens as float32, `[token, head, channel]`, as `append(half:)`.
    public mutating func append(float elements: UnsafeBufferPointer<Float>) {
        precondition(pendingHalf.isEmpty, "float32 appended after float16")
        var pending: [Float] = []
        swap(&pending, &pendingFloat)
        append(elements, pending: &pending) { $0.add(float: $1, tokens: $2, stride: $3) }
        pendingFloat = pending
    }

    /// The summary of all tokens appended so far.
    public consuming func finish() -> TensorSummary {
        let width = heads * headDim
        if !pendingHalf.isEmpty {
            let count = pendingHalf.count / width
            pendingHalf.withUnsafeBufferPointer { elements in
                sweep(elements, tokens: count) { $0.add(half: $1, tokens: $2, stride: $3) }
            }
        }
        if !pendingFloat.isEmpty {
            let count = pendingFloat.count / width
            pendingFloat.withUnsafeBufferPointer { elements in
                sweep(elements, tokens: count) { $0.add(float: $1, tokens: $2, stride: $3) }
            }
        }
        return TensorSummary(heads: heads, headDim: headDim, tokens: tokens, strips: strips)
    }

    private typealias Sweep<Element> = (inout ChannelStrip, UnsafePointer<Element>, Int, Int) -> Void

    private mutating func append<Element>(
        _ elements: UnsafeBufferPointer<Element>,
        pending: inout [Element],
        sweep add: Sweep<Element>
    ) {
        let width = heads * headDim
        guard width > 0 else { return }
        precondition(elements.count.isMultiple(of: width), "\(elements.count) elements for tokens of \(width)")
        tokens += elements.count / width
        var rest = elements[...]
        if !pending.isEmpty {
            let missing = rest.prefix(Self.blockTokens * width - pending.count)
            pending.append(contentsOf: missing)
            rest = rest.dropFirst(missing.count)
            guard pending.count == Self.blockTokens * width else { return }
            pending.withUnsafeBufferPointer { sweep($0, tokens: Self.blockTokens, add) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = rest.count / width / Self.blockTokens * Self.blockTokens
        sweep(UnsafeBufferPointer(rebasing: rest.prefix(whole * width)), tokens: whole, add)
        pending.append(contentsOf: rest.dropFirst(whole * width))
    }

    private mutating func sweep<Element>(
        _ elements: UnsafeBufferPointer<Element>, tokens: Int, _ add: Sweep<Element>
    ) {
        guard let base = elements.baseAddress, tokens > 0 else { return }
        let width = heads * headDim
        strips.withUnsafeMutableBufferPointer { strips in
            // Each index touches its own strip only.
            nonisolated(unsafe) let (strips, add, base) = (strips, add, base)
            Parallel.forEach(strips.count) { index in
                for first in stride(from: 0, to: tokens, by: Self.blockTokens) {
                    let block = base + first * width + strips[index].channels.lowerBound
                    add(&strips[index], block, min(Self.blockTokens, tokens - first), width)
                }
            }
        }
    }
}
