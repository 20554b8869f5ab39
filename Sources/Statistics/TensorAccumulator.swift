/// Gathers the statistics of one layer's tensor, channel by channel, from slabs of its tokens.
///
/// Tokens are cut into pieces of `pieceTokens` and blocks of `blockTokens`,
/// counted from the first token, and merged in order, so that results are the
/// same bit for bit however the tokens are split into slabs. Heads and the layer
/// are merged from their channels at the end. One accumulator runs on one
/// thread; layers and tensors are independent and run side by side.
///
/// Memory: 4 KB of counters a channel (20 KB beyond 65,535 tokens), and one piece of elements.
public struct TensorAccumulator: Sendable {
    /// Tokens that are swept at once: a block of the kernels, which read them once from memory.
    static let pieceTokens = 256
    /// Tokens whose power sums are taken about one value, a multiple of `pieceTokens`.
    static let blockTokens = 1024

    public let heads: Int
    public let headDim: Int
    /// Tokens appended so far.
    public private(set) var tokens = 0
    private var sums: ChannelSums
    /// Tokens that do not fill a piece yet.
    private var pendingHalf: [UInt16] = []
    private var pendingFloat: [Float] = []
    /// Tokens swept of the present block.
    private var sweptOfBlock = 0

    public init(heads: Int, headDim: Int) {
        precondition(heads >= 0 && headDim >= 0, "\(heads) heads of \(headDim) channels")
        self.heads = heads
        self.headDim = headDim
        sums = ChannelSums(channels: heads * headDim)
    }

    /// Adds the next tokens as float16 bits, `[token, head, channel]`.
    ///
    /// - Precondition: whole tokens; one tensor is appended either as float16 or as float32.
    /// - Complexity: O(elements).
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
        sweepPending(\.pendingHalf)
        sweepPending(\.pendingFloat)
        sums.endBlock()
        return TensorSummary(heads: heads, headDim: headDim, tokens: tokens, channels: sums)
    }

    /// Memory that an accumulator takes for each channel.
    public static func bytesPerChannel(tokens: Int) -> Int {
        QuantileSketch.binCount * (tokens > UInt16.max ? 10 : 2)
    }

    private var width: Int { heads * headDim }

    private mutating func append<Element: SlabElement>(
        _ elements: UnsafeBufferPointer<Element>,
        pending: WritableKeyPath<TensorAccumulator, [Element]>
    ) {
        guard width > 0 else { return }
        precondition(elements.count.isMultiple(of: width), "\(elements.count) elements for tokens of \(width)")
        tokens += elements.count / width
        let size = Self.pieceTokens * width
        var rest = elements[...]
        if !self[keyPath: pending].isEmpty {
            let missing = rest.prefix(size - self[keyPath: pending].count)
            self[keyPath: pending].append(contentsOf: missing)
            rest = rest.dropFirst(missing.count)
            guard self[keyPath: pending].count == size else { return }
            sweepPending(pending)
        }
        while rest.count >= size {
            sweep(UnsafeBufferPointer(rebasing: rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        self[keyPath: pending] += rest
    }

    private mutating func sweepPending<Element: SlabElement>(
        _ pending: WritableKeyPath<TensorAccumulator, [Element]>
    ) {
        let piece = self[keyPath: pending]
        self[keyPath: pending] = []
        piece.withUnsafeBufferPointer { sweep($0) }
    }

    private mutating func sweep<Element: SlabElement>(_ piece: UnsafeBufferPointer<Element>) {
        guard let base = piece.baseAddress, width > 0 else { return }
        let count = piece.count / width
        sums.add(base, tokens: count)
        sweptOfBlock += count
        if sweptOfBlock == Self.blockTokens {
            sums.endBlock()
            sweptOfBlock = 0
        }
    }
}
