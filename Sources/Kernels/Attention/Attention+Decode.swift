internal import CKernels

extension Attention {
    /// Query rows, over all heads of a group, that go through a part of the cache together: their scores,
    /// 128 KB, stay in a second-level cache.
    private static let rowsPerBlock = 32

    /// Attention of one query token over the first `tokens` tokens of a cache in full precision.
    ///
    /// - Parameters:
    ///   - query: [head, channel].
    ///   - tokens: at least 1; the query's own key and value are among them.
    ///   - scale: factor on scores; 1/√channels if none is given.
    ///   - output: [head, channel].
    /// - Complexity: O(tokens × heads × channels), on all threads.
    public static func decode(
        query: UnsafePointer<Float>,
        tokens: Int,
        shape: Shape,
        keys: CacheView,
        values: CacheView,
        scale: Float? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        let cache = SequenceCache(tokens: tokens, keys: CacheSide(full: keys), values: CacheSide(full: values))
        decode(queries: query, rows: 1, sequences: [cache], shape: shape, scale: scale, into: output)
    }

    /// Attention of the last `rows` tokens of each sequence of a batch over its own cache, packed or not.
    ///
    /// One pass over keys and values, each read once for all query heads of its group (and once for every
    /// 32 query rows); neither is ever written dequantized. Softmax is online over parts of about 1,024
    /// tokens (Milakov and Gimelshein, 2018), which are joined in the order of the cache, so that results
    /// are the same on any number of threads and for any batch.
    ///
    /// - Parameters:
    ///   - queries: [sequence, row, head, channel]; row r stands at position `tokens − rows + r` and sees up to its own.
    ///   - rows: query tokens of each sequence, at least 1 and at most its tokens.
    ///   - accuracy: of products with packed codes.
    ///   - scale: factor on scores; 1/√channels if none is given.
    ///   - window: tokens that a row sees, its own among them (sliding-window attention); all if none is given.
    ///   - output: [sequence, row, head, channel].
    /// - Precondition: stores have the shape's heads and channels, and all tokens that are not packed.
    /// - Complexity: O(Σ tokens × rows × heads × channels), on all threads.
    public static func decode(
        queries: UnsafePointer<Float>,
        rows: Int,
        sequences: [SequenceCache],
        shape: Shape,
        accuracy: Accuracy = .exact,
        scale: Float? = nil,
        window: Int? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        precondition(sequences.allSatisfy { rows > 0 && $0.tokens >= rows }, "\(rows) query rows over fewer tokens")
        precondition(window.map { $0 > 0 } ?? true, "a window of no token")
        for sequence in sequences { sequence.check(shape) }
        let blockRows = max(1, rowsPerBlock / shape.group), blocks = (rows + blockRows - 1) / blockRows
        // Few rows: parts of the cache go to all threads, each with a record of its own. Many: the blocks of rows do,
        // part after part. Either way parts are joined one after the other.
        let splits = blocks == 1
        let recordSize = DecodeBlock.recordSize(rows: min(rows, blockRows), shape)
        var items: [(block: DecodeBlock, parts: Range<Int>, firstRecord: Int)] = []
        var recordCount = 0
        for (index, cache) in sequences.enumerated() {
            for head in 0..<shape.kvHeads {
                for block in 0..<blocks {
                    let decodeBlock = DecodeBlock(
                        shape: shape,
                        cache: cache,
                        sequence: index,
                        head: head,
                        sequenceRows: rows,
                        firstRow: block * blockRows,
                        rows: min(blockRows, rows - block * blockRows),
                        accuracy: accuracy,
                        scale: scale ?? shape.scale,
                        window: window
                    )
                    // Parts that follow each other in memory, as many as leave enough items to share out.
                    let all = decodeBlock.parts
                    let step = splits ? max(1, min(8, all.count * shape.kvHeads / 16)) : all.count
                    for part in stride(from: all.lowerBound, to: all.upperBound, by: step) {
                        let parts = part..<min(all.upperBound, part + step)
                        items.append((decodeBlock, parts, recordCount))
                        recordCount += splits ? parts.count : 1
                    }
                }
            }
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: recordCount * recordSize) { records in
            guard let records = records.baseAddress else { return }
            Parallel.forEach(items.count) { index in
                let (block, parts, firstRecord) = items[index]
                block.run(queries, parts: parts, separately: splits, into: records + firstRecord * recordSize)
            }
            for (block, parts, firstRecord) in items where parts.lowerBound == block.parts.lowerBound {
                let record = records + firstRecord * recordSize
                for part in 1..<max(1, splits ? block.parts.count : 1) {
                    block.join(record + part * recordSize, to: record)
                }
                block.finish(record, into: output)
            }
        }
    }
}
