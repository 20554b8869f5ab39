import TensorCore

/// One array as slabs of tokens in the capture's order, `[token, head, channel]`.
final class ImportedSlabs {
    let heads: Int
    let channels: Int
    private let source: ImportSequence.Source
    private let axes: ImportAxes
    private let reader: ImportedArrayReader
    private let strides: [Int]
    private var block: [Float] = []
    private var ordered: [Float] = []

    init(
        _ source: ImportSequence.Source,
        axes: ImportAxes,
        heads: Int,
        channels: Int,
        element: ImportedElement,
        scratchFolder: String
    ) throws {
        self.source = source
        self.axes = axes
        self.heads = heads
        self.channels = channels
        reader = try source.array.open(as: element, scratchFolder: scratchFolder)
        strides = axes.targetStrides(of: source.array, heads: heads, channels: channels)
    }

    var rowElements: Int { heads * channels }

    /// Lends the values of some tokens to `body`.
    func withTokens(_ tokens: Range<Int>, _ body: (UnsafePointer<Float>) throws -> Void) throws {
        let ranges = axes.block(of: source.array, layer: source.layer, tokens: tokens)
        let count = tokens.count * rowElements
        if block.count < count { block = [Float](repeating: 0, count: count) }
        try block.withUnsafeMutableBufferPointer {
            guard let base = $0.baseAddress else { return }
            try reader.read(ranges, into: base)
        }
        let sizes = ranges.map { $0.count }
        if isOrdered(sizes) {
            return try block.withUnsafeBufferPointer {
                guard let base = $0.baseAddress else { return }
                try body(base)
            }
        }
        if ordered.count < count { ordered = [Float](repeating: 0, count: count) }
        scatter(sizes)
        try ordered.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            try body(base)
        }
    }

    /// Whether the block lies in memory as the capture wants it.
    private func isOrdered(_ sizes: [Int]) -> Bool {
        var stride = 1
        for (size, wanted) in zip(sizes, strides).reversed() where size > 1 {
            guard stride == wanted else { return false }
            stride *= size
        }
        return true
    }

    /// Copies `block`, whose axes have these sizes, to its places in `ordered`.
    private func scatter(_ sizes: [Int]) {
        guard let inner = sizes.last, let innerStride = strides.last else { return }
        var index = [Int](repeating: 0, count: sizes.count - 1)
        block.withUnsafeBufferPointer { block in
            ordered.withUnsafeMutableBufferPointer { ordered in
                var done = 0
                while true {
                    var target = 0
                    for axis in index.indices { target += index[axis] * strides[axis] }
                    for _ in 0..<inner {
                        ordered[target] = block[done]
                        target += innerStride
                        done += 1
                    }
                    var axis = index.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        if index[axis] < sizes[axis] { break }
                        index[axis] = 0
                        axis -= 1
                    }
                    if axis < 0 { return }
                }
            }
        }
    }
}
