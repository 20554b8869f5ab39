internal import CKernels

/// The packed keys or values of one layer of one sequence, in pages that never move.
///
/// Grows by whole pages: nothing that is packed is ever copied, requantized or reallocated.
/// A page holds some tokens of one head: their codes, then their scales and minima.
public final class PackedStore {
    public let format: PackedFormat
    public let kvHeads: Int
    /// Packed tokens.
    public private(set) var tokens = 0

    private let arena: PageArena
    let layout: PackedPages
    /// [page][head]
    private var pages: [ArenaPage] = []
    /// Keys: the largest scale of each channel so far, [head][channel padded to 16].
    private let envelope: UnsafeMutableBufferPointer<Float>

    /// - Parameter arena: where pages are taken from; one for all layers of a cache.
    public init(_ format: PackedFormat, kvHeads: Int, arena: PageArena = PageArena()) {
        self.format = format
        self.arena = arena
        self.kvHeads = kvHeads
        layout = PackedPages(format)
        envelope = .allocate(capacity: Self.envelopeBytes(format, kvHeads: kvHeads) / MemoryLayout<Float>.size)
        envelope.initialize(repeating: 0)
    }

    deinit { envelope.deallocate() }

    /// The same tokens; pages are shared until one of the two writes to them.
    public func copy() -> PackedStore {
        let copy = PackedStore(format, kvHeads: kvHeads, arena: arena)
        copy.tokens = tokens
        copy.pages = pages
        _ = copy.envelope.update(from: envelope)
        return copy
    }

    /// Bytes of pages that a store of so many tokens takes.
    public static func pageBytes(_ format: PackedFormat, kvHeads: Int, tokens: Int) -> Int {
        kvHeads * PackedPages(format).byteCount(tokens: tokens)
    }

    /// Bytes that a store takes beside its pages, however many tokens it holds.
    public static func envelopeBytes(_ format: PackedFormat, kvHeads: Int) -> Int {
        format.side == .keys ? kvHeads * kva_key_reduced(format.channels) * MemoryLayout<Float>.size : 0
    }

    /// Tokens that fit the last page of a store of so many.
    public static func lastPageTokens(_ format: PackedFormat, tokens: Int) -> Range<Int> {
        guard tokens > 0 else { return 0..<0 }
        let page = PackedPages(format).page(of: tokens - 1)
        return page.first..<page.end
    }

    /// Tokens of the largest page, for those who add many and want a measure.
    public var largestPageTokens: Int { layout.largestTokens }

    /// The same of stores of a format.
    public static func largestPageTokens(_ format: PackedFormat) -> Int { PackedPages(format).largestTokens }

    /// Elements as they come from a model, at an address that need not be aligned.
    public enum Elements {
        /// float16 bits.
        case float16(UnsafePointer<UInt16>)
        /// bfloat16 bits.
        case bfloat16(UnsafePointer<UInt16>)
        case float32(UnsafePointer<Float>)

        fileprivate var type: kva_type {
            switch self {
            case .float16: KVA_F16
            case .bfloat16: KVA_BF16
            case .float32: KVA_F32
            }
        }

        fileprivate func address(_ element: Int) -> UnsafeRawPointer {
            switch self {
            case .float16(let base), .bfloat16(let base): UnsafeRawPointer(base + element)
            case .float32(let base): UnsafeRawPointer(base + element)
            }
        }
    }

    /// Packs consecutive tokens; element (head, token, channel) is `head·headStride + token·tokenStride + channel`.
    ///
    /// Float16 metadata are computed in float16 steps as KIVI's code does; other elements are rounded to float16 first.
    /// - Throws: `KernelError.outOfMemory`; the store then holds what it held.
    /// - Precondition: keys begin a group; only the last tokens of all may leave one unfinished.
    /// - Complexity: O(tokens × channels × heads), on the calling thread.
    public func append(_ x: Elements, tokens count: Int, headStride: Int, tokenStride: Int) throws {
        precondition(
            tokens.isMultiple(of: format.appendStep),
            "\(tokens) tokens end in a group of \(format.groupSize) that is not full"
        )
        var shape = format.tileShape(tokenStride: tokenStride, elementType: x.type)
        let begin = tokens
        try append(tokens: count) { head, page, offset, within, here in
            let source = x.address(head * headStride + (tokens - begin) * tokenStride)
            let codes = page.assumingMemoryBound(to: UInt8.self), metadata = page + offset
            switch format.side {
            case .keys:
                KernelTable.active.pointee.quantize_key_tiles(source, &shape, within, here, codes, metadata)
                widenEnvelope(head: head, metadata, firstToken: within, tokens: here)
            case .values:
                KernelTable.active.pointee.quantize_value_tiles(source, &shape, within, here, codes, metadata)
            }
        }
    }

    /// Makes room for tokens whose codes and metadata are written by
    /// `body(head, page, offset of metadata, first token within, count)`.
    func append(tokens count: Int, _ body: (Int, UnsafeMutableRawPointer, Int, Int, Int) -> Void) throws {
        try addPages(until: tokens + count)
        var done = 0
        while done < count {
            let page = layout.page(of: tokens), here = min(count - done, page.end - tokens)
            for head in 0..<kvHeads {
                body(head, self.page(page.index, head: head), page.metadataOffset, tokens - page.first, here)
            }
            tokens += here
            done += here
        }
    }

    /// All pages that are written next, each of this store alone; none if there is no memory for all.
    private func addPages(until end: Int) throws {
        var added: [ArenaPage] = []
        // Zeroed: codes are added to what is there.
        for index in pages.count / kvHeads..<max(layout.count(tokens: end), pages.count / kvHeads) {
            let bytes = layout.page(index).byteCount
            for _ in 0..<kvHeads { added.append(try arena.page(byteCount: bytes, isZeroed: true)) }
        }
        if layout.page(of: tokens).first < tokens { try ownPages(pages.count - kvHeads..<pages.count) }
        pages += added
    }

    private func ownPages(_ range: Range<Int>) throws {
        for index in range where !isKnownUniquelyReferenced(&pages[index]) {
            pages[index] = try pages[index].copy()
        }
    }

    /// Where a page of a head begins.
    func page(_ page: Int, head: Int) -> UnsafeMutableRawPointer { pages[page * kvHeads + head].base }

    /// Forgets all tokens from `count` on.
    ///
    /// - Throws: `KernelError.outOfMemory` if a shared page must be copied and cannot.
    /// - Precondition: `count` is a multiple of ``PackedFormat/appendStep``.
    public func truncate(to count: Int) throws {
        guard count < tokens else { return }
        precondition(count >= 0 && count.isMultiple(of: format.appendStep), "\(count) tokens end within a group")
        let kept = layout.count(tokens: count) * kvHeads, last = layout.page(of: count)
        let isCut = last.first < count
        if isCut { try ownPages(kept - kvHeads..<kept) }
        pages.removeLast(pages.count - kept)
        tokens = count
        for head in 0..<kvHeads where isCut { clear(page(last.index, head: head), last, from: count - last.first) }
        guard format.side == .keys else { return }
        envelope.update(repeating: 0)
        for index in 0..<layout.count(tokens: tokens) {
            let page = layout.page(index)
            for head in 0..<kvHeads {
                let metadata = self.page(index, head: head) + page.metadataOffset
                widenEnvelope(head: head, metadata, firstToken: 0, tokens: min(page.end, tokens) - page.first)
            }
        }
    }

    func widenEnvelope(head: Int, _ metadata: UnsafeRawPointer, firstToken: Int, tokens: Int) {
        let channels = kva_key_reduced(format.channels)
        let stride = kva_key_group_stride(format.channels, format.isSymmetric ? 1 : 0)
        let firstGroup = firstToken / format.groupSize
        let groups = (tokens + format.groupSize - 1) / format.groupSize
        guard let target = envelope.baseAddress.map({ $0 + head * channels }) else { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { scratch in
            guard let scales = scratch.baseAddress else { return }
            for group in firstGroup..<firstGroup + groups {
                let place = metadata + group * stride * format.metadata.byteCount
                switch format.metadata {
                case .float16:
                    let halves = place.assumingMemoryBound(to: UInt16.self)
                    KernelTable.active.pointee.half_to_float(halves, scales, channels)
                case .float32: scales.update(from: place.assumingMemoryBound(to: Float.self), count: channels)
                }
                for channel in 0..<channels { target[channel] = max(target[channel], abs(scales[channel])) }
            }
        }
    }

    /// Bytes of the pages held, used or not, and of the envelope.
    public var allocatedBytes: Int {
        pages.reduce(0) { $0 + $1.byteCount } + envelope.count * MemoryLayout<Float>.size
    }
    /// Bytes that the tokens' codes take.
    public var codeBytes: Int { kvHeads * format.codeBytes(tokens: tokens) }
    /// Bytes that their scales and minima take.
    public var metadataBytes: Int { kvHeads * format.metadataBytes(tokens: tokens) }

    /// Writes tokens of one head as float32, [token, channel].
    /// - Precondition: the tokens are packed.
    public func dequantize(head: Int, tokens range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= tokens, "tokens \(range) of \(tokens)")
        var shape = format.tileShape
        var first = range.lowerBound
        while first < range.upperBound {
            let place = layout.page(of: first), page = page(place.index, head: head)
            let within = first - place.first, count = min(range.upperBound, place.end) - first
            let codes = page.assumingMemoryBound(to: UInt8.self), metadata = page + place.metadataOffset
            let rows = target + (first - range.lowerBound) * format.channels
            switch format.side {
            case .keys: KernelTable.active.pointee.dequantize_key_tiles(&shape, within, count, codes, metadata, rows)
            case .values:
                KernelTable.active.pointee.dequantize_value_tiles(&shape, within, count, codes, metadata, rows)
            }
            first += count
        }
    }

    /// Stops the program if attention of a shape cannot read this store.
    func check(_ shape: Attention.Shape, _ side: PackedFormat.Side? = nil) {
        precondition(
            kvHeads == shape.kvHeads && format.channels == shape.channels && side ?? format.side == format.side,
            "\(format.side) of \(kvHeads) heads of \(format.channels) channels for \(shape)"
        )
    }

    /// Some tokens of one head, all in one page, as attention reads them.
    ///
    /// - Parameter isFollowed: whether the caller reads the same head's next page after this one.
    func side(
        head: Int,
        tokens range: Range<Int>,
        queries: Int,
        scoreStride: Int,
        digits: Int,
        isFollowed: Bool
    ) -> kva_packed_side {
        let place = layout.page(of: range.lowerBound), following = (place.index + 1) * kvHeads + head
        let base = page(place.index, head: head)
        let next = isFollowed && following < pages.count ? UnsafeRawPointer(pages[following].base) : nil
        let channels = format.side == .keys ? kva_key_reduced(format.channels) : 0
        return kva_packed_side(
            codes: UnsafePointer(base.assumingMemoryBound(to: UInt8.self)),
            metadata: UnsafeRawPointer(base + place.metadataOffset),
            metadata_is_float: format.metadata == .float32 ? 1 : 0,
            is_symmetric: format.isSymmetric ? 1 : 0,
            bits: UInt32(format.bits),
            channels: format.channels,
            group_size: format.groupSize,
            first_token: range.lowerBound - place.first,
            tokens: range.count,
            group: queries,
            score_stride: scoreStride,
            envelope: format.side == .keys ? envelope.baseAddress.map { UnsafePointer($0 + head * channels) } : nil,
            next_codes: next?.assumingMemoryBound(to: UInt8.self),
            next_metadata: next.map { $0 + layout.page(place.index + 1).metadataOffset },
            digits: UInt32(digits)
        )
    }
}
