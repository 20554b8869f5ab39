internal import CKernels

/// The packed keys or values of one layer of one sequence, in pages that never move.
///
/// Grows by whole pages: nothing that is packed is ever copied, requantized or reallocated.
/// A page holds about 1,024 tokens of one head: its codes, then its scales and minima.
public final class PackedStore {
    public let format: PackedFormat
    public let kvHeads: Int
    /// Tokens of a page: the least multiple of tiles and groups that is at least 1,024.
    public let pageTokens: Int
    /// Packed tokens.
    public private(set) var tokens = 0

    private let metadataOffset: Int
    private let pageBytes: Int
    /// [page][head]
    private var pages: [UnsafeMutableRawPointer] = []
    /// Keys: the largest scale of each channel so far, [head][channel padded to 16].
    private let envelope: UnsafeMutableBufferPointer<Float>

    public init(_ format: PackedFormat, kvHeads: Int) {
        self.format = format
        self.kvHeads = kvHeads
        pageTokens = Self.pageTokens(format)
        // Metadata begin on a cache line.
        metadataOffset = (format.codeBytes(tokens: pageTokens) + 63) / 64 * 64
        pageBytes = metadataOffset + format.metadataBytes(tokens: pageTokens)
        let channels = format.side == .keys ? kva_key_reduced(format.channels) : 0
        envelope = .allocate(capacity: kvHeads * channels)
        envelope.initialize(repeating: 0)
    }

    deinit {
        for page in pages { page.deallocate() }
        envelope.deallocate()
    }

    private static func pageTokens(_ format: PackedFormat) -> Int {
        let tile = PackedFormat.tileTokens
        var step = tile
        while format.side == .keys && !step.isMultiple(of: format.groupSize) { step += tile }
        return (1023 + step) / step * step
    }

    /// Packs consecutive tokens of float16 bits; element (head, token, channel) is `head·headStride + token·tokenStride + channel`.
    ///
    /// - Precondition: for keys, a whole number of groups.
    /// - Complexity: O(tokens × channels × heads), on the calling thread.
    public func append(half x: UnsafePointer<UInt16>, tokens count: Int, headStride: Int, tokenStride: Int) {
        precondition(count.isMultiple(of: format.appendStep), "\(count) tokens in groups of \(format.groupSize)")
        var shape = format.tileShape(tokenStride: tokenStride, elementType: KVA_F16)
        var done = 0
        while done < count {
            let within = tokens % pageTokens
            if within == 0 { addPages() }
            let here = min(count - done, pageTokens - within)
            for head in 0..<kvHeads {
                let page = pages[tokens / pageTokens * kvHeads + head]
                let source = x + head * headStride + done * tokenStride
                let codes = page.assumingMemoryBound(to: UInt8.self), metadata = page + metadataOffset
                switch format.side {
                case .keys:
                    KernelTable.active.pointee.quantize_key_tiles(source, &shape, within, here, codes, metadata)
                    widenEnvelope(head: head, metadata, firstGroup: within / format.groupSize, here / format.groupSize)
                case .values:
                    KernelTable.active.pointee.quantize_value_tiles(source, &shape, within, here, codes, metadata)
                }
            }
            tokens += here
            done += here
        }
    }

    private func addPages() {
        for _ in 0..<kvHeads {
            let page = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 64)
            // Codes are added to what is there.
            page.initializeMemory(as: UInt8.self, repeating: 0, count: pageBytes)
            pages.append(page)
        }
    }

    private func widenEnvelope(head: Int, _ metadata: UnsafeRawPointer, firstGroup: Int, _ groups: Int) {
        let channels = kva_key_reduced(format.channels), stride = kva_key_group_stride(format.channels, format.isSymmetric ? 1 : 0)
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

    /// Bytes of memory held, used or not.
    public var allocatedBytes: Int { pages.count * pageBytes + envelope.count * MemoryLayout<Float>.size }
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
            let within = first % pageTokens, count = min(range.upperBound - first, pageTokens - within)
            let page = pages[first / pageTokens * kvHeads + head]
            let codes = page.assumingMemoryBound(to: UInt8.self), metadata = page + metadataOffset
            let place = target + (first - range.lowerBound) * format.channels
            switch format.side {
            case .keys: KernelTable.active.pointee.dequantize_key_tiles(&shape, within, count, codes, metadata, place)
            case .values:
                KernelTable.active.pointee.dequantize_value_tiles(&shape, within, count, codes, metadata, place)
            }
            first += count
        }
    }

    /// One page of one head as attention reads it: `count` tokens from the page's token `first` on.
    func side(
        head: Int,
        page: Int,
        first: Int,
        count: Int,
        queries: Int,
        scoreStride: Int,
        digits: Int
    ) -> kva_packed_side {
        let base = pages[page * kvHeads + head]
        let channels = format.side == .keys ? kva_key_reduced(format.channels) : 0
        return kva_packed_side(
            codes: UnsafePointer(base.assumingMemoryBound(to: UInt8.self)),
            metadata: UnsafeRawPointer(base + metadataOffset),
            metadata_is_float: format.metadata == .float32 ? 1 : 0,
            is_symmetric: format.isSymmetric ? 1 : 0,
            bits: UInt32(format.bits),
            channels: format.channels,
            group_size: format.groupSize,
            first_token: first,
            tokens: count,
            group: queries,
            score_stride: scoreStride,
            envelope: format.side == .keys ? envelope.baseAddress.map { UnsafePointer($0 + head * channels) } : nil,
            digits: UInt32(digits)
        )
    }
}
