import TensorCore

/// What the recorder keeps of one tensor of one layer: the rows of its last, incomplete chunk.
struct RecordedColumn {
    let rowElements: Int
    /// Tokens of the current sequence received so far.
    var received = 0
    private(set) var overflowed = 0
    private var pending: RowBuffer?

    init(rowElements: Int) { self.rowElements = rowElements }

    /// Adds rows; gives every whole chunk to `send`.
    mutating func append(
        _ count: Int,
        _ values: UnsafePointer<Float>,
        _ chunkTokens: Int,
        _ elementType: ElementType,
        send: (RowBuffer) throws -> Void
    ) throws {
        var done = 0
        while done < count {
            let remaining = count - done
            // Without a remainder, all whole chunks go in one block.
            let capacity = max(chunkTokens, remaining / chunkTokens * chunkTokens)
            let buffer =
                pending ?? RowBuffer(capacity: capacity, rowElements: rowElements, elementType: elementType)
            let part = min(remaining, buffer.capacity - buffer.rows)
            let before = buffer.overflowed
            buffer.append(part, rows: values + done * rowElements)
            overflowed += buffer.overflowed - before
            done += part
            pending = buffer.rows < buffer.capacity ? buffer : nil
            if pending == nil { try send(buffer) }
        }
    }

    mutating func takePending() -> RowBuffer? {
        defer { pending = nil }
        return pending
    }
}
