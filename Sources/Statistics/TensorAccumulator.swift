/// Gathers the statistics of one layer's tensor, channel by channel, from its tokens or a part of them.
///
/// Tokens are cut into pieces of `pieceTokens` and blocks of `blockTokens`, and the blocks of all parts are merged
/// along one tree (`MomentForest`): results are the same bit for bit however the tokens are split into slabs, and
/// into parts that begin at multiples of `blockTokens`, whatever the order in which the parts are merged. Parts cut
/// elsewhere give the same counts, extremes and sketches, and sums equal to rounding (a few units of 2⁻⁵³ for each
/// merge). One accumulator runs on one thread; parts, layers and tensors are independent and run side by side.
///
/// Memory: 8 KB of counters a channel, at most 16 MB of rows that are not counted yet, and one piece of elements.
public struct TensorAccumulator: Sendable {
    /// Tokens that are swept at once: a block of the kernels, which read them once from memory.
    static let pieceTokens = 256
    /// Tokens whose power sums are taken about one value, a multiple of `pieceTokens`.
    public static let blockTokens = 4096

    public let heads: Int
    public let headDim: Int
    /// The first token of this part.
    public let firstToken: Int
    /// Tokens appended so far, and those of parts merged.
    public private(set) var tokens = 0
    /// Tokens that quantiles are taken from; `nil` for all that come.
    private let sample: TokenSample?
    private var block: BlockSums
    private var forest = MomentForest()
    private var rows: SampledRows
    /// Tokens that do not fill a piece yet.
    private var pendingHalf: [UInt16] = []
    private var pendingFloat: [Float] = []
    /// Tokens swept of this part.
    private var swept = 0

    /// - Parameters:
    ///   - firstToken: of the part of the tensor that will be appended.
    ///   - expectedTokens: about how many will be appended; changes speed alone.
    ///   - sample: the tokens of the whole tensor that quantiles are taken from; `nil` for all that are appended.
    public init(
        heads: Int,
        headDim: Int,
        firstToken: Int = 0,
        expectedTokens: Int = 0,
        sample: TokenSample? = nil
    ) {
        precondition(heads >= 0 && headDim >= 0 && firstToken >= 0, "\(heads) heads of \(headDim) from \(firstToken)")
        self.heads = heads
        self.headDim = headDim
        self.firstToken = firstToken
        self.sample = sample
        block = BlockSums(channels: heads * headDim)
        rows = SampledRows(channels: heads * headDim)
        if let sample { rows.reserve(sample.places(in: firstToken..<firstToken + expectedTokens).count) }
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

    /// Adds the tokens of another part of the same tensor; nothing can be appended afterwards.
    ///
    /// - Precondition: as many heads and channels.
    /// - Complexity: O(channels), and O(rows · channels) when sampled rows are counted.
    public mutating func merge(_ other: consuming TensorAccumulator) {
        precondition(other.heads == heads && other.headDim == headDim, "parts of two tensors")
        endPart()
        other.endPart()
        forest.merge(other.forest)
        rows.merge(other.rows)
        tokens += other.tokens
    }

    /// The summary of all tokens appended so far.
    public consuming func finish() -> TensorSummary {
        endPart()
        rows.count()
        return TensorSummary(
            heads: heads,
            headDim: headDim,
            tokens: tokens,
            channelMoments: forest.total(channels: width),
            counts: rows
        )
    }

    /// Memory that an accumulator takes for each channel, beside rows that wait.
    public static let bytesPerChannel = QuantileSketch.binCount * 4

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
        guard let base = piece.baseAddress, width > 0, !piece.isEmpty else { return }
        let range = firstToken + swept..<firstToken + swept + piece.count / width
        block.add(base, tokens: range.count)
        if let sample {
            for place in sample.places(in: range) {
                rows.add(base + (sample.token(at: place) - range.lowerBound) * width)
            }
        } else {
            for token in 0..<range.count { rows.add(base + token * width) }
        }
        swept += range.count
        if swept.isMultiple(of: Self.blockTokens) { endBlock() }
    }

    /// Ends the block of which some tokens have been swept.
    private mutating func endBlock() { forest.insert(block: (firstToken + swept - 1) / Self.blockTokens, block.end()) }

    private mutating func endPart() {
        sweepPending(\.pendingHalf)
        sweepPending(\.pendingFloat)
        if !swept.isMultiple(of: Self.blockTokens) { endBlock() }
        // What is in the block is in the forest now.
        swept = (swept + Self.blockTokens - 1) / Self.blockTokens * Self.blockTokens
    }
}
