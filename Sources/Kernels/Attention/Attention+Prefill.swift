internal import CKernels

extension Attention {
    /// Query rows and key tokens of one block: 192 × 256 scores, with the blocks of keys, values and output,
    /// take half a megabyte, a second-level cache. Larger blocks gain nothing.
    private static let rowsPerBlock = 192, keysPerBlock = 256

    /// Query rows from which the products of blocks beat the pass of ``decode``; either gives the same but for rounding.
    private static let rowsOfPrefill = 16

    /// Query rows of a sequence up to which products of accuracy `fast` are those of the packed kernels.
    ///
    /// Blocks of a text that is read to measure a cache have 32 rows, say, and shall meet the arithmetic that
    /// generation does with one, though dequantizing would be faster for so many.
    public static let mostRowsOfFastProducts = 64

    /// Causal attention of the last `rows` tokens of each sequence over its own cache: ``decode`` for few, ``prefill``
    /// for many.
    ///
    /// Many are 16 and more; where products are `fast` and the sequence has packed keys or values, more than
    /// ``mostRowsOfFastProducts``. From there on blocks of 256 tokens are dequantized, so that a `fast` product is as
    /// good as an exact one. Each sequence goes by itself: what others of the batch hold has no part in it.
    ///
    /// - Parameters:
    ///   - queries: [sequence, row, head, channel].
    ///   - window: tokens that a row sees, its own among them (sliding-window attention); all if none is given.
    ///   - output: [sequence, row, head, channel].
    public static func causal(
        queries: UnsafePointer<Float>,
        rows: Int,
        sequences: [SequenceCache],
        shape: Shape,
        accuracy: Accuracy,
        scale: Float? = nil,
        window: Int? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        let width = rows * shape.heads * shape.channels
        func areFew(_ sequence: SequenceCache) -> Bool {
            let isFast = accuracy == .fast && sequence.keys.packedTokens + sequence.values.packedTokens > 0
            return rows < rowsOfPrefill || isFast && rows <= mostRowsOfFastProducts
        }
        var first = 0
        while first < sequences.count {
            let sequence = sequences[first], place = first * width
            if areFew(sequence) {
                // Those that follow each other share the threads.
                let run = sequences[first...].prefix(while: areFew)
                decode(
                    queries: queries + place,
                    rows: rows,
                    sequences: Array(run),
                    shape: shape,
                    accuracy: accuracy,
                    scale: scale,
                    window: window,
                    into: output + place
                )
                first += run.count
            } else {
                prefill(
                    queries: queries + place,
                    tokens: rows,
                    firstPosition: sequence.tokens - rows,
                    shape: shape,
                    keys: sequence.keys,
                    values: sequence.values,
                    scale: scale,
                    window: window,
                    into: output + place
                )
                first += 1
            }
        }
    }

    /// Causal attention of consecutive query tokens over a cache that already holds their own keys and values.
    ///
    /// Query t stands at `firstPosition + t` and attends to positions up to its own. Scores and
    /// weighted sums are BLAS products of blocks, joined by an online softmax
    /// (Milakov and Gimelshein, 2018), so that no row of scores exists whole.
    ///
    /// - Parameters:
    ///   - queries: [token, head, channel], contiguous.
    ///   - scale: factor on scores; 1/√channels if none is given.
    ///   - window: tokens that a query sees, its own among them (sliding-window attention); all if none is given.
    ///   - output: [token, head, channel], contiguous.
    /// - Complexity: O(tokens × (firstPosition + tokens) × heads × channels), on all threads; with a window
    ///   O(tokens × (window + 256) × heads × channels).
    public static func prefill(
        queries: UnsafePointer<Float>,
        tokens: Int,
        firstPosition: Int,
        shape: Shape,
        keys: CacheSide,
        values: CacheSide,
        scale: Float? = nil,
        window: Int? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        precondition(window.map { $0 > 0 } ?? true, "a window of no token")
        SequenceCache(tokens: firstPosition + tokens, keys: keys, values: values).check(shape)
        let tokensPerBlock = max(8, rowsPerBlock / shape.group)
        let blocks = (tokens + tokensPerBlock - 1) / tokensPerBlock
        Parallel.forEach(blocks * shape.kvHeads) { item in
            // Late blocks attend to most keys: begin with them, so that the last item is a short one.
            let first = (blocks - 1 - item / shape.kvHeads) * tokensPerBlock
            let block = PrefillBlock(
                shape: shape,
                head: item % shape.kvHeads,
                firstToken: first,
                tokens: min(tokensPerBlock, tokens - first),
                firstPosition: firstPosition,
                scale: scale ?? shape.scale,
                window: window
            )
            block.run(queries: queries, keys: keys, values: values, keysPerBlock: keysPerBlock, into: output)
        }
    }
}

/// All query heads of one key/value head, for some consecutive query tokens.
private struct PrefillBlock {
    let shape: Attention.Shape
    let head: Int
    let firstToken: Int
    let tokens: Int
    let firstPosition: Int
    let scale: Float
    let window: Int?

    private var rows: Int { tokens * shape.group }

    func run(
        queries: UnsafePointer<Float>,
        keys: Attention.CacheSide,
        values: Attention.CacheSide,
        keysPerBlock: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let capacity = rows * (2 * channels + keysPerBlock + 2) + 2 * keysPerBlock * channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { scratch in
            guard let query = scratch.baseAddress else { return }
            let sums = query + rows * channels
            let scores = sums + rows * channels
            let largest = scores + rows * keysPerBlock
            let denominators = largest + rows
            let keyScratch = denominators + rows
            let valueScratch = keyScratch + keysPerBlock * channels
            gather(queries, into: query)
            sums.update(repeating: 0, count: rows * channels)
            largest.update(repeating: -.infinity, count: rows)
            denominators.update(repeating: 0, count: rows)
            let end = firstPosition + firstToken + tokens
            let oldest = window.map { max(0, firstPosition + firstToken + 1 - $0) } ?? 0
            for first in stride(from: oldest / keysPerBlock * keysPerBlock, to: end, by: keysPerBlock) {
                let count = min(keysPerBlock, end - first)
                let (key, keyStride) = keys.floats(head: head, token: first, count: count, channels, keyScratch)
                DenseMatrix.multiply(
                    rows: rows,
                    columns: count,
                    inner: channels,
                    alpha: scale,
                    query,
                    stride: channels,
                    key,
                    stride: keyStride,
                    transposed: true,
                    into: scores,
                    stride: keysPerBlock
                )
                softmax(scores, stride: keysPerBlock, firstKey: first, keys: count, largest, denominators, sums)
                let (value, valueStride) = values.floats(head: head, token: first, count: count, channels, valueScratch)
                addValues(first..<first + count, scores, keysPerBlock, value, stride: valueStride, to: sums)
            }
            scatter(sums, denominators, into: output)
        }
    }

    /// Adds a block's weighted values to the sums.
    private func addValues(
        _ block: Range<Int>,
        _ weights: UnsafePointer<Float>,
        _ weightStride: Int,
        _ values: UnsafePointer<Float>,
        stride valueStride: Int,
        to sums: UnsafeMutablePointer<Float>
    ) {
        func add(rows: Range<Int>, keys: Range<Int>) {
            DenseMatrix.multiply(
                rows: rows.count,
                columns: shape.channels,
                inner: keys.count,
                weights + rows.lowerBound * weightStride + keys.lowerBound,
                stride: weightStride,
                values + keys.lowerBound * valueStride,
                stride: valueStride,
                beta: 1,
                into: sums + rows.lowerBound * shape.channels,
                stride: shape.channels
            )
        }
        // A weight of zero does not hide a value that is not finite from rows that do not see it.
        let all = 0..<block.count
        let isSeenByAll = visibleKeys(row: 0, block) == all && visibleKeys(row: rows - 1, block) == all
        if isSeenByAll || block.indices.allSatisfy({ isFinite(values + ($0 - block.lowerBound) * valueStride) }) {
            add(rows: 0..<rows, keys: all)
        } else {
            for row in 0..<rows where !visibleKeys(row: row, block).isEmpty {
                add(rows: row..<row + 1, keys: visibleKeys(row: row, block))
            }
        }
    }

    private func isFinite(_ value: UnsafePointer<Float>) -> Bool { VectorMath.isFinite(value, count: shape.channels) }

    /// Which keys of a block a row sees, counted from the block's first.
    private func visibleKeys(row: Int, _ block: Range<Int>) -> Range<Int> {
        Attention.visible(position: firstPosition + firstToken + row / shape.group, window: window, of: block)
    }

    /// Row `token·group + query` ← query head `head·group + query` of that token.
    private func gather(_ queries: UnsafePointer<Float>, into rows: UnsafeMutablePointer<Float>) {
        let width = shape.group * shape.channels
        for token in 0..<tokens {
            let source = queries + (firstToken + token) * shape.heads * shape.channels + head * width
            (rows + token * width).update(from: source, count: width)
        }
    }

    private func scatter(
        _ sums: UnsafeMutablePointer<Float>,
        _ denominators: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>
    ) {
        let width = shape.group * shape.channels
        for row in 0..<rows {
            VectorMath.scale(by: 1 / denominators[row], sums + row * shape.channels, count: shape.channels)
        }
        for token in 0..<tokens {
            let target = output + (firstToken + token) * shape.heads * shape.channels + head * width
            target.update(from: sums + token * width, count: width)
        }
    }

    /// Turns a block of scores into weights about the running maximum and brings the earlier sums to it.
    private func softmax(
        _ scores: UnsafeMutablePointer<Float>,
        stride: Int,
        firstKey: Int,
        keys: Int,
        _ largest: UnsafeMutablePointer<Float>,
        _ denominators: UnsafeMutablePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            let weights = scores + row * stride
            let visible = visibleKeys(row: row, firstKey..<firstKey + keys)
            let seen = weights + visible.lowerBound
            weights.update(repeating: 0, count: visible.lowerBound)
            (weights + visible.upperBound).update(repeating: 0, count: keys - visible.upperBound)
            if visible.isEmpty { continue }
            let maximum = max(largest[row], VectorMath.maximum(seen, count: visible.count))
            if maximum > largest[row] {
                var factor = largest[row]
                VectorMath.exponentialSum(&factor, count: 1, shift: maximum)
                denominators[row] *= factor
                VectorMath.scale(by: factor, sums + row * shape.channels, count: shape.channels)
                largest[row] = maximum
            }
            denominators[row] += VectorMath.exponentialSum(seen, count: visible.count, shift: maximum)
        }
    }
}

extension Attention.CacheSide {
    /// Some tokens of a head as float32 rows: in place, or converted or dequantized into `scratch`.
    fileprivate func floats(
        head: Int,
        token: Int,
        count: Int,
        _ channels: Int,
        _ scratch: UnsafeMutablePointer<Float>
    ) -> (rows: UnsafePointer<Float>, stride: Int) {
        var done = max(0, min(count, packedTokens - token))
        if done > 0 { packed?.dequantize(head: head, tokens: token..<token + done, into: scratch) }
        while done < count {
            let run = run(head: head, token: token + done, count: count - done, channels: channels)
            let target = scratch + done * channels
            switch run.precision {
            case .float32:
                let rows = run.base.assumingMemoryBound(to: Float.self)
                if run.count == count { return (rows, run.tokenStride) }
                for row in 0..<run.count {
                    (target + row * channels).update(from: rows + row * run.tokenStride, count: channels)
                }
            case .float16:
                let halves = run.base.assumingMemoryBound(to: UInt16.self)
                if run.tokenStride == channels {
                    HalfConversion.toFloat(halves, target, count: run.count * channels)
                } else {
                    for row in 0..<run.count {
                        HalfConversion.toFloat(halves + row * run.tokenStride, target + row * channels, count: channels)
                    }
                }
            }
            done += run.count
        }
        return (UnsafePointer(scratch), channels)
    }
}
