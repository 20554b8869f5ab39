internal import CKernels

/// Exchange with the order of codes that KIVI's reference implementation has (`AffineCodes`).
extension PackedStore {
    private var groupedAxis: GroupedAxis { format.side == .keys ? .tokens : .channels }
    private var isExchangeable: Bool { !format.isSymmetric && format.metadata == .float16 }

    /// The codes, scales and minima of one head, in rows.
    /// - Precondition: asymmetric, with float16 metadata, as `AffineCodes` is.
    public func affineCodes(head: Int) -> AffineCodes {
        precondition(isExchangeable, "AffineCodes has float16 scales and minima")
        let groups = format.side == .keys ? (tokens + format.groupSize - 1) / format.groupSize : valueGroups
        let rows = format.side == .keys ? format.channels : tokens
        let rowBytes = ((format.side == .keys ? tokens : format.channels) * format.bits + 7) / 8
        var codes = [UInt8](repeating: 0, count: rows * rowBytes)
        var scales = [UInt16](repeating: 0, count: rows * groups), minima = scales
        for index in 0..<layout.count(tokens: tokens) {
            let place = layout.page(index), page = page(index, head: head)
            let first = place.first, count = min(place.end, tokens) - first
            let pageRowBytes = ((format.side == .keys ? count : format.channels) * format.bits + 7) / 8
            var pageRows = [UInt8](repeating: 0, count: (format.side == .keys ? rows : count) * pageRowBytes)
            let kernels = KernelTable.active, source = page.assumingMemoryBound(to: UInt8.self)
            switch format.side {
            case .keys:
                kernels.pointee.key_tiles_to_rows(source, count, format.channels, UInt32(format.bits), &pageRows)
                for row in 0..<rows {
                    let place = row * rowBytes + first * format.bits / 8
                    codes.replaceSubrange(
                        place..<place + pageRowBytes,
                        with: pageRows[row * pageRowBytes..<(row + 1) * pageRowBytes]
                    )
                }
            case .values:
                kernels.pointee.value_tiles_to_rows(source, count, format.channels, UInt32(format.bits), &pageRows)
                codes.replaceSubrange(first * rowBytes..<(first + count) * rowBytes, with: pageRows)
            }
            eachGroup(page + place.metadataOffset, firstToken: 0, tokens: count, groups: groups, rowToken: first) {
                index,
                scale,
                minimum in
                scales[index] = scale.pointee
                minima[index] = minimum.pointee
            }
        }
        return AffineCodes(
            bits: format.bits,
            groupSize: format.groupSize,
            groupedAxis: groupedAxis,
            tokens: tokens,
            channels: format.channels,
            codes: codes,
            scales: scales,
            minima: minima
        )
    }

    /// Appends tokens that are quantized already, one `AffineCodes` for each head.
    /// - Throws: `KernelError.outOfMemory`.
    /// - Precondition: all have this store's format and the same number of tokens; keys begin a group.
    public func append(_ heads: [AffineCodes]) throws {
        precondition(isExchangeable && heads.count == kvHeads, "\(heads.count) heads for \(kvHeads)")
        precondition(
            format.side == .keys
                ? tokens == layout.page(of: tokens).first : tokens.isMultiple(of: PackedFormat.tileTokens),
            "mid-page"
        )
        let count = heads.first?.tokens ?? 0, begin = tokens
        precondition(
            heads.allSatisfy {
                $0.bits == format.bits && $0.groupSize == format.groupSize && $0.groupedAxis == groupedAxis
                    && $0.channels == format.channels && $0.tokens == count
            },
            "codes of another format"
        )
        try append(tokens: count) { head, page, offset, within, here in
            let source = heads[head], first = tokens - begin
            let kernels = KernelTable.active, target = page.assumingMemoryBound(to: UInt8.self)
            let tile = within / PackedFormat.tileTokens * format.tileBytes
            switch format.side {
            case .keys:
                let bytes = (here * format.bits + 7) / 8
                let rows = (0..<format.channels).flatMap { channel in
                    let place = channel * source.bytesPerRow + first * format.bits / 8
                    return source.codes[place..<place + bytes]
                }
                kernels.pointee.key_rows_to_tiles(rows, here, format.channels, UInt32(format.bits), target + tile)
            case .values:
                let rows = Array(source.codes[first * source.bytesPerRow..<(first + here) * source.bytesPerRow])
                kernels.pointee.value_rows_to_tiles(rows, here, format.channels, UInt32(format.bits), target + tile)
            }
            let groups = source.groupsPerRow
            eachGroup(page + offset, firstToken: within, tokens: here, groups: groups, rowToken: first) {
                index,
                scale,
                minimum in
                scale.pointee = source.scales[index]
                minimum.pointee = source.minima[index]
            }
            if format.side == .keys {
                widenEnvelope(head: head, page + offset, firstToken: within, tokens: here)
            }
        }
    }

    private var valueGroups: Int { kva_value_groups(format.channels, format.groupSize) }

    /// Calls with the index in `AffineCodes` of each group of some tokens of a page, and where its numbers lie.
    ///
    /// - Parameter rowToken: the token of `AffineCodes` that `firstToken` of the page is.
    private func eachGroup(
        _ metadata: UnsafeMutableRawPointer,
        firstToken within: Int,
        tokens: Int,
        groups: Int,
        rowToken row: Int,
        _ body: (Int, UnsafeMutablePointer<UInt16>, UnsafeMutablePointer<UInt16>) -> Void
    ) {
        let metadata = metadata.assumingMemoryBound(to: UInt16.self)
        switch format.side {
        case .keys:
            let padded = kva_key_reduced(format.channels), stride = kva_key_group_stride(format.channels, 0)
            let first = within / format.groupSize, end = (within + tokens + format.groupSize - 1) / format.groupSize
            for group in first..<end {
                for channel in 0..<format.channels {
                    let place = metadata + group * stride + channel
                    body(channel * groups + row / format.groupSize + group - first, place, place + padded)
                }
            }
        case .values:
            let tile = PackedFormat.tileTokens, stride = kva_value_tile_stride(format.channels, format.groupSize, 0)
            for token in 0..<tokens {
                let (index, lane) = (within + token).quotientAndRemainder(dividingBy: tile)
                for group in 0..<groups {
                    let place = metadata + index * stride + group * 2 * tile + lane
                    body((row + token) * groups + group, place, place + tile)
                }
            }
        }
    }
}
