internal import CKernels

/// Some query rows of all heads of one key/value head, over parts of one sequence's cache.
///
/// What a part gives is a record: unnormalized outputs [row, member, channel], then the maximum and the
/// denominator of each of them.
struct DecodeBlock {
    let shape: Attention.Shape
    let cache: Attention.SequenceCache
    let sequence: Int
    let head: Int
    /// Query rows of the sequence, and those of this block.
    let sequenceRows: Int
    let firstRow: Int
    let rows: Int
    let accuracy: Attention.Accuracy
    let scale: Float
    /// Tokens that a query sees, its own among them; all if there is none.
    let window: Int?

    static func recordSize(rows: Int, _ shape: Attention.Shape) -> Int { rows * shape.group * (shape.channels + 2) }

    private var queryCount: Int { rows * shape.group }
    private var outputs: Int { queryCount * shape.channels }

    /// The records of some parts, or one of all of them joined in order.
    func run(
        _ queries: UnsafePointer<Float>,
        parts: Range<Int>,
        separately: Bool,
        into record: UnsafeMutablePointer<Float>
    ) {
        let recordSize = Self.recordSize(rows: rows, shape),
            partTokens = min(Attention.SequenceCache.partTokens, cache.tokens)
        let scoreCount = queryCount * partTokens, extra = separately ? 0 : recordSize
        withUnsafeTemporaryAllocation(of: Float.self, capacity: scoreCount + outputs + extra) { scratch in
            guard let scores = scratch.baseAddress else { return }
            let scaled = scores + scoreCount, next = scaled + outputs
            gather(queries, into: scaled)
            VectorMath.scale(by: scale, scaled, count: outputs)
            for part in parts {
                let done = part - parts.lowerBound
                let target = separately ? record + done * recordSize : done == 0 ? record : next
                run(part: part, isFollowed: part + 1 < parts.upperBound, scaled, scores: scores, into: target)
                if !separately && done > 0 { join(next, to: record) }
            }
        }
    }

    private func run(
        part: Int,
        isFollowed: Bool,
        _ queries: UnsafePointer<Float>,
        scores: UnsafeMutablePointer<Float>,
        into record: UnsafeMutablePointer<Float>
    ) {
        let first = part * Attention.SequenceCache.partTokens,
            count = min(Attention.SequenceCache.partTokens, cache.tokens - first)
        let kernels = KernelTable.active
        let maxima = record + outputs, denominators = maxima + queryCount
        let tokens = first..<first + count
        each(of: .keys, tokens, queries: queryCount, scoreStride: count, isFollowed) { segment, offset in
            switch segment {
            case .packed(var side): kernels.pointee.packed_scores(&side, queries, scores + offset)
            case .full(var side): kernels.pointee.attention_scores(&side, queries, scores + offset)
            }
        }
        for query in 0..<queryCount {
            let row = scores + query * count, visible = visibleTokens(query, tokens)
            let seen = row + visible.lowerBound
            maxima[query] = VectorMath.maximum(seen, count: visible.count)
            denominators[query] = VectorMath.exponentialSum(seen, count: visible.count, shift: maxima[query])
            row.update(repeating: 0, count: visible.lowerBound)
            (row + visible.upperBound).update(repeating: 0, count: count - visible.upperBound)
        }
        addValues(tokens, queries: queryCount, scores, scoreStride: count, isFollowed, to: record)
        // A weight of zero does not hide a value that is not finite from rows that do not see it.
        for query in 0..<queryCount {
            let visible = visibleTokens(query, tokens), output = record + query * shape.channels
            guard visible.count < count, !VectorMath.isFinite(output, count: shape.channels) else { continue }
            let seen = first + visible.lowerBound..<first + visible.upperBound
            let weights = scores + query * count + visible.lowerBound
            addValues(seen, queries: 1, weights, scoreStride: count, false, to: output)
        }
    }

    /// Which of a part's tokens a query sees, counted from the part's first.
    private func visibleTokens(_ query: Int, _ tokens: Range<Int>) -> Range<Int> {
        let position = cache.tokens - sequenceRows + firstRow + query / shape.group
        return Attention.visible(position: position, window: window, of: tokens)
    }

    /// The parts that some row of the block sees.
    var parts: Range<Int> {
        let position = cache.tokens - sequenceRows + firstRow
        let first = window.map { max(0, position + 1 - $0) } ?? 0
        return first / Attention.SequenceCache.partTokens..<cache.parts
    }

    /// output[query] = Σ weights[query, token]·value[token]
    private func addValues(
        _ tokens: Range<Int>,
        queries: Int,
        _ weights: UnsafePointer<Float>,
        scoreStride: Int,
        _ isFollowed: Bool,
        to output: UnsafeMutablePointer<Float>
    ) {
        let kernels = KernelTable.active
        output.update(repeating: 0, count: queries * shape.channels)
        each(of: .values, tokens, queries: queries, scoreStride: scoreStride, isFollowed) { segment, offset in
            switch segment {
            case .packed(var side): kernels.pointee.packed_values(&side, weights + offset, output)
            case .full(var side): kernels.pointee.attention_values(&side, weights + offset, output)
            }
        }
    }

    /// Adds a later part's record to an earlier one's, both brought to the larger maximum.
    func join(_ later: UnsafePointer<Float>, to record: UnsafeMutablePointer<Float>) {
        let maxima = outputs, denominators = outputs + queryCount
        for query in 0..<queryCount {
            // A part that a query sees nothing of; and a first one of which nothing is left.
            guard later[denominators + query] != 0 else { continue }
            let largest = max(record[maxima + query], later[maxima + query])
            var kept = record[maxima + query], added = later[maxima + query]
            VectorMath.exponentialSum(&kept, count: 1, shift: largest)
            VectorMath.exponentialSum(&added, count: 1, shift: largest)
            let output = record + query * shape.channels
            VectorMath.scale(by: kept, output, count: shape.channels)
            VectorMath.accumulate(scaledBy: added, later + query * shape.channels, into: output, count: shape.channels)
            record[denominators + query] = record[denominators + query] * kept + later[denominators + query] * added
            record[maxima + query] = largest
        }
    }

    /// Normalizes a record into the outputs of its rows.
    func finish(_ record: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let denominators = outputs + queryCount, width = shape.group * shape.channels
        for query in 0..<queryCount {
            let row = record + query * shape.channels
            VectorMath.scale(by: 1 / record[denominators + query], row, count: shape.channels)
        }
        for row in 0..<rows { (output + place(row)).update(from: record + row * width, count: width) }
    }

    private func gather(_ queries: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
        let width = shape.group * shape.channels
        for row in 0..<rows { (target + row * width).update(from: queries + place(row), count: width) }
    }

    /// Where the queries, and outputs, of a row begin.
    private func place(_ row: Int) -> Int {
        ((sequence * sequenceRows + firstRow + row) * shape.heads + head * shape.group) * shape.channels
    }

    // MARK: - Segments

    private enum Segment {
        case packed(kva_packed_side)
        case full(kva_attention_side)
    }

    /// Calls with packed and full-precision tokens as they lie in pages, and how far into the range they begin.
    private func each(
        of role: PackedFormat.Side,
        _ tokens: Range<Int>,
        queries: Int,
        scoreStride: Int,
        _ isFollowed: Bool,
        _ body: (Segment, Int) -> Void
    ) {
        let first = tokens.lowerBound, end = tokens.upperBound
        func full(
            _ elements: UnsafeRawPointer,
            isHalf: Bool,
            tokens: Int,
            tokenStride: Int
        ) -> Segment {
            .full(
                kva_attention_side(
                    elements: elements,
                    is_half: isHalf ? 1 : 0,
                    tokens: tokens,
                    channels: shape.channels,
                    token_stride: tokenStride,
                    group: queries,
                    score_stride: scoreStride
                )
            )
        }
        let side = role == .keys ? cache.keys : cache.values
        var token = first
        if let store = side.packed {
            let packedEnd = min(end, store.tokens), channels = shape.channels
            let digits = accuracy.digits(bits: store.format.bits, group: shape.group)
            let isOther = store.format.side != role
            while token < packedEnd {
                let page = store.layout.page(of: token), next = min(packedEnd, page.end)
                if isOther || !(token - page.first).isMultiple(of: PackedFormat.tileTokens) {
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: (next - token) * channels) { scratch in
                        guard let floats = scratch.baseAddress else { return }
                        store.dequantize(head: head, tokens: token..<next, into: floats)
                        let segment = full(floats, isHalf: false, tokens: next - token, tokenStride: channels)
                        body(segment, token - first)
                    }
                } else {
                    let packed = store.side(
                        head: head,
                        tokens: token..<next,
                        queries: queries,
                        scoreStride: scoreStride,
                        digits: digits,
                        isFollowed: isFollowed || next < packedEnd
                    )
                    body(.packed(packed), token - first)
                }
                token = next
            }
        }
        while token < end {
            let run = side.run(head: head, token: token, count: end - token, channels: shape.channels)
            let isHalf = run.precision == .float16
            body(full(run.base, isHalf: isHalf, tokens: run.count, tokenStride: run.tokenStride), token - first)
            token += run.count
        }
    }
}
