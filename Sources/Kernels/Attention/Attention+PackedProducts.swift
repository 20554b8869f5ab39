internal import CKernels

/// The halves of attention over packed tokens alone, as ``scores(query:tokens:shape:keys:into:)`` has them for others.
extension Attention {
    /// scores[head, token] = query[head]·key[token] over all packed keys, not scaled.
    ///
    /// - Parameters:
    ///   - query: [head, channel].
    ///   - scores: [head, token].
    /// - Complexity: O(tokens × heads × channels), each key read once for its group, on all threads.
    public static func scores(
        query: UnsafePointer<Float>,
        shape: Shape,
        keys: PackedStore,
        accuracy: Accuracy,
        into scores: UnsafeMutablePointer<Float>
    ) {
        keys.check(shape, .keys)
        let digits = accuracy.digits(bits: keys.format.bits, group: shape.group)
        forEachPage(of: keys, shape: shape) { _, head, tokens, isFollowed in
            var side = keys.side(
                head: head,
                tokens: tokens,
                queries: shape.group,
                scoreStride: keys.tokens,
                digits: digits,
                isFollowed: isFollowed
            )
            let firstQuery = head * shape.group
            let target = scores + firstQuery * keys.tokens + tokens.lowerBound
            KernelTable.active.pointee.packed_scores(&side, query + firstQuery * shape.channels, target)
        }
    }

    /// output[head] = Σ weights[head, token]·value[token] over all packed values.
    ///
    /// - Parameters:
    ///   - weights: [head, token].
    ///   - output: [head, channel].
    /// - Complexity: O(tokens × heads × channels), each value read once for its group, on all threads.
    public static func weightedSum(
        weights: UnsafePointer<Float>,
        shape: Shape,
        values: PackedStore,
        accuracy: Accuracy,
        into output: UnsafeMutablePointer<Float>
    ) {
        values.check(shape, .values)
        let digits = accuracy.digits(bits: values.format.bits, group: shape.group)
        let width = shape.group * shape.channels
        let pages = values.layout.count(tokens: values.tokens)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.kvHeads * pages * width) { sums in
            guard let sums = sums.baseAddress else { return }
            forEachPage(of: values, shape: shape) { item, head, tokens, isFollowed in
                var side = values.side(
                    head: head,
                    tokens: tokens,
                    queries: shape.group,
                    scoreStride: values.tokens,
                    digits: digits,
                    isFollowed: isFollowed
                )
                let row = weights + head * shape.group * values.tokens + tokens.lowerBound
                (sums + item * width).update(repeating: 0, count: width)
                KernelTable.active.pointee.packed_values(&side, row, sums + item * width)
            }
            // In the order of the cache, so that the number of threads does not show.
            output.update(repeating: 0, count: shape.kvHeads * width)
            for item in 0..<shape.kvHeads * pages {
                VectorMath.add(sums + item * width, into: output + item / pages * width, count: width)
            }
        }
    }

    /// Calls with a number for the page of a head, the head, the page's tokens, and whether the next comes next.
    private static func forEachPage(
        of store: PackedStore,
        shape: Shape,
        _ body: (Int, Int, Range<Int>, Bool) -> Void
    ) {
        let pages = store.layout.count(tokens: store.tokens)
        // Pages of a head that follow each other, as many as leave enough to share out.
        let step = max(1, min(8, pages * shape.kvHeads / 16)), runs = (pages + step - 1) / step
        Parallel.forEach(shape.kvHeads * runs) { item in
            let head = item / runs, first = item % runs * step, end = min(pages, first + step)
            for page in first..<end {
                let place = store.layout.page(page)
                body(head * pages + page, head, place.first..<min(place.end, store.tokens), page + 1 < end)
            }
        }
    }
}
