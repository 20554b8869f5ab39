internal import CKernels

extension Attention {
    /// Cached tokens of one work item; partial results are merged in the order of the cache.
    private static let tokensPerPart = 1024

    /// Attention of one query token over the first `tokens` tokens of a cache.
    ///
    /// Each key and value is read once for all query heads of its group.
    ///
    /// - Parameters:
    ///   - query: [head, channel].
    ///   - tokens: at least 1; the query's own key and value are among them.
    ///   - scale: factor on scores; 1/√channels if none is given.
    ///   - output: [head, channel].
    /// - Complexity: O(tokens × heads × channels), on all threads over fixed parts of 1,024 tokens.
    public static func decode(
        query: UnsafePointer<Float>,
        tokens: Int,
        shape: Shape,
        keys: CacheView,
        values: CacheView,
        scale: Float? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        precondition(tokens > 0, "attention over no tokens")
        let parts = (tokens + tokensPerPart - 1) / tokensPerPart
        let width = shape.group * shape.channels
        // For each (head, part): the unnormalized output, then maximum and denominator of each query.
        let recordSize = width + 2 * shape.group
        let scoreCount = min(tokens, tokensPerPart) * shape.group
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.kvHeads * parts * recordSize) { records in
            guard let records = records.baseAddress else { return }
            Parallel.forEach(shape.kvHeads * parts) { item in
                let head = item / parts, first = item % parts * tokensPerPart
                withUnsafeTemporaryAllocation(of: Float.self, capacity: scoreCount + width) { scratch in
                    guard let scores = scratch.baseAddress else { return }
                    let part = DecodePart(
                        shape: shape,
                        head: head,
                        first: first,
                        count: min(tokensPerPart, tokens - first)
                    )
                    part.run(
                        query + head * width,
                        scale ?? shape.scale,
                        keys,
                        values,
                        scores: scores,
                        scaledQuery: scores + scoreCount,
                        record: records + item * recordSize
                    )
                }
            }
            for head in 0..<shape.kvHeads {
                merge(records + head * parts * recordSize, parts, recordSize, shape, into: output + head * width)
            }
        }
    }

    private static func merge(
        _ records: UnsafeMutablePointer<Float>,
        _ parts: Int,
        _ recordSize: Int,
        _ shape: Shape,
        into output: UnsafeMutablePointer<Float>
    ) {
        let width = shape.group * shape.channels
        output.update(repeating: 0, count: width)
        for member in 0..<shape.group {
            let places = (0..<parts).map { records + $0 * recordSize }
            let largest = places.reduce(-Float.infinity) { max($0, $1[width + member]) }
            var denominator: Float = 0
            for place in places {
                var factor = place[width + member]
                VectorMath.exponentialSum(&factor, count: 1, shift: largest)
                denominator += factor * place[width + shape.group + member]
                VectorMath.accumulate(
                    scaledBy: factor,
                    place + member * shape.channels,
                    into: output + member * shape.channels,
                    count: shape.channels
                )
            }
            VectorMath.scale(by: 1 / denominator, output + member * shape.channels, count: shape.channels)
        }
    }
}

/// Some consecutive tokens of one key/value head, for all queries of its group.
private struct DecodePart {
    let shape: Attention.Shape
    let head: Int
    let first: Int
    let count: Int

    func run(
        _ query: UnsafePointer<Float>,
        _ scale: Float,
        _ keys: Attention.CacheView,
        _ values: Attention.CacheView,
        scores: UnsafeMutablePointer<Float>,
        scaledQuery: UnsafeMutablePointer<Float>,
        record: UnsafeMutablePointer<Float>
    ) {
        let kernels = KernelTable.active, width = shape.group * shape.channels
        scaledQuery.update(from: query, count: width)
        VectorMath.scale(by: scale, scaledQuery, count: width)
        var side = side(of: keys)
        kernels.pointee.attention_scores(&side, scaledQuery, scores)
        for member in 0..<shape.group {
            let row = scores + member * count
            let largest = VectorMath.maximum(row, count: count)
            record[width + member] = largest
            record[width + shape.group + member] = VectorMath.exponentialSum(row, count: count, shift: largest)
        }
        record.update(repeating: 0, count: width)
        side = self.side(of: values)
        kernels.pointee.attention_values(&side, scores, record)
    }

    private func side(of cache: Attention.CacheView) -> kva_attention_side {
        kva_attention_side(
            elements: cache.address(head: head, token: first),
            is_half: cache.precision == .float16 ? 1 : 0,
            tokens: count,
            channels: shape.channels,
            token_stride: cache.tokenStride,
            group: shape.group,
            score_stride: count
        )
    }
}
