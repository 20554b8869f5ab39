internal import CKernels

extension PackedStore {
    /// Zeroes what tokens from `first` on left in a page, since codes are added to what is there and a stale infinite
    /// scale would spoil its neighbours' sums.
    func clear(_ page: UnsafeMutableRawPointer, _ layout: PackedPages.Page, from first: Int) {
        let tile = PackedFormat.tileTokens, bits = UInt32(format.bits), channels = format.channels
        let (index, kept) = first.quotientAndRemainder(dividingBy: tile)
        let codes = page.assumingMemoryBound(to: UInt8.self) + index * format.tileBytes
        let rest = page + layout.metadataOffset - UnsafeMutableRawPointer(codes), kernels = KernelTable.active
        let rowBytes = ((format.side == .keys ? kept : channels) * format.bits + 7) / 8
        let rows = format.side == .keys ? channels : kept
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, rows * rowBytes)) { scratch in
            guard let scratch = scratch.baseAddress else { return }
            switch format.side {
            case .keys: kernels.pointee.key_tiles_to_rows(codes, kept, channels, bits, scratch)
            case .values: kernels.pointee.value_tiles_to_rows(codes, kept, channels, bits, scratch)
            }
            codes.update(repeating: 0, count: rest)
            switch format.side {
            case .keys: kernels.pointee.key_rows_to_tiles(scratch, kept, channels, bits, codes)
            case .values: kernels.pointee.value_rows_to_tiles(scratch, kept, channels, bits, codes)
            }
        }
        clearMetadata(page + layout.metadataOffset, tokens: layout.tokens, from: first)
    }

    private func clearMetadata(_ metadata: UnsafeMutableRawPointer, tokens: Int, from first: Int) {
        let size = format.metadata.byteCount, all = format.metadataBytes(tokens: tokens)
        func clear(_ elements: Range<Int>) {
            metadata.advanced(by: elements.lowerBound * size)
                .initializeMemory(as: UInt8.self, repeating: 0, count: elements.count * size)
        }
        let symmetric: Int32 = format.isSymmetric ? 1 : 0
        switch format.side {
        case .keys:
            let group = kva_key_group_stride(format.channels, symmetric)
            clear((first + format.groupSize - 1) / format.groupSize * group..<all / size)
        case .values:
            let tile = PackedFormat.tileTokens
            let record = kva_value_tile_stride(format.channels, format.groupSize, symmetric)
            let begin = first / tile * record, kept = first % tile
            // Runs of 32 scales or minima.
            for run in stride(from: begin, to: begin + record, by: tile) { clear(run + kept..<run + tile) }
            clear(begin + record..<all / size)
        }
    }
}
