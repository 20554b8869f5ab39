import TensorCore

/// What the recorder keeps of one tensor of one layer: chunks that wait for the layer's other tensors, and the
/// rows of the last, incomplete chunk.
struct RecordedColumn {
    let rowElements: Int
    /// Tokens of the current sequence received so far.
    var received = 0
    private(set) var overflowed = 0
    private var whole: [RowBuffer] = []
    private var pending: RowBuffer?

    init(rowElements: Int) { self.rowElements = rowElements }

    var hasWholeChunk: Bool { !whole.isEmpty }

    /// Adds rows, in chunks of `chunkTokens`.
    mutating func append(
        _ count: Int,
        _ values: UnsafePointer<Float>,
        _ chunkTokens: Int,
        _ elementType: ElementType
    ) {
        var done = 0
        while done < count {
            let buffer =
                pending ?? RowBuffer(capacity: chunkTokens, rowElements: rowElements, elementType: elementType)
            let part = min(count - done, buffer.capacity - buffer.rows)
            let before = buffer.overflowed
            buffer.append(part, rows: values + done * rowElements)
            overflowed += buffer.overflowed - before
            done += part
            pending = buffer.rows < buffer.capacity ? buffer : nil
            if pending == nil { whole.append(buffer) }
        }
    }

    mutating func takeWholeChunk() -> RowBuffer? { whole.isEmpty ? nil : whole.removeFirst() }

    /// Makes the incomplete chunk the last one.
    mutating func endChunks() {
        if let pending { whole.append(pending) }
        pending = nil
    }
}
