internal import CKernels

extension Attention {
    /// Cached tokens of one work item.
    private static let tokensPerItem = 1024

    /// The first half of attention alone: scores[head, token] = query[head]·key[token], not scaled.
    ///
    /// - Parameters:
    ///   - query: [head, channel].
    ///   - tokens: the first of the cache.
    ///   - scores: [head, token].
    /// - Complexity: O(tokens × heads × channels), each key read once for its group, on all threads.
    public static func scores(
        query: UnsafePointer<Float>,
        tokens: Int,
        shape: Shape,
        keys: CacheView,
        into scores: UnsafeMutablePointer<Float>
    ) {
        let kernels = KernelTable.active
        forEachItem(tokens: tokens, shape: shape) { _, head, range in
            var side = side(of: keys, shape: shape, head: head, range: range, scoreStride: tokens)
            let firstQuery = head * shape.group
            kernels.pointee.attention_scores(
                &side,
                query + firstQuery * shape.channels,
                scores + firstQuery * tokens + range.lowerBound
            )
        }
    }

    /// The second half of attention alone: output[head] = Σ weights[head, token]·value[token].
    ///
    /// - Parameters:
    ///   - weights: [head, token].
    ///   - tokens: the first of the cache.
    ///   - output: [head, channel].
    /// - Complexity: O(tokens × heads × channels), each value read once for its group, on all threads.
    public static func weightedSum(
        weights: UnsafePointer<Float>,
        tokens: Int,
        shape: Shape,
        values: CacheView,
        into output: UnsafeMutablePointer<Float>
    ) {
        let kernels = KernelTable.active, width = shape.group * shape.channels
        let itemsPerHead = (tokens + tokensPerItem - 1) / tokensPerItem
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.kvHeads * itemsPerHead * width) { sums in
            guard let sums = sums.baseAddress else { return }
            forEachItem(tokens: tokens, shape: shape) { item, head, range in
                let sum = sums + item * width
                sum.update(repeating: 0, count: width)
                var side = side(of: values, shape: shape, head: head, range: range, scoreStride: tokens)
                let row = weights + head * shape.group * tokens + range.lowerBound
                kernels.pointee.attention_values(&side, row, sum)
            }
            // In the order of the cache, so that the number of threads does not show.
            output.update(repeating: 0, count: shape.kvHeads * width)
            for item in 0..<shape.kvHeads * itemsPerHead {
                VectorMath.add(sums + item * width, into: output + item / itemsPerHead * width, count: width)
            }
        }
    }

    private static func forEachItem(tokens: Int, shape: Shape, _ body: (Int, Int, Range<Int>) -> Void) {
        let itemsPerHead = (tokens + tokensPerItem - 1) / tokensPerItem
        Parallel.forEach(shape.kvHeads * itemsPerHead) { item in
            let first = item % itemsPerHead * tokensPerItem
            body(item, item / itemsPerHead, first..<min(tokens, first + tokensPerItem))
        }
    }

    private static func side(
        of cache: CacheView,
        shape: Shape,
        head: Int,
        range: Range<Int>,
        scoreStride: Int
    ) -> kva_attention_side {
        kva_attention_side(
            elements: cache.address(head: head, token: range.lowerBound),
            is_half: cache.precision == .float16 ? 1 : 0,
            tokens: range.count,
            channels: shape.channels,
            token_stride: cache.tokenStride,
            group: shape.group,
            score_stride: scoreStride
        )
    }
}
