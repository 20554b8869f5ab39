import Kernels

/// A weight matrix with an optional bias, whose outputs are in the original model's order.
struct Projection: Sendable {
    /// How the rows of a query or key matrix are stored in the file.
    enum RowOrder: Sendable {
        case original
        /// Each head's two halves alternate, row 2i from the first and 2i + 1 from the second half, as GGUF's
        /// llama files have it for engines that turn neighbouring channels.
        case interleavedHalves(headDim: Int)
    }

    let weight: WeightMatrix
    /// In the file's order of rows.
    let bias: [Float]?
    let order: RowOrder

    init(weight: WeightMatrix, bias: [Float]? = nil, order: RowOrder = .original) {
        self.weight = weight
        self.bias = bias
        self.order = order
    }

    /// W·x + b of `[token, column]`, into `[token, row]`.
    func apply(tokens: Int, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        weight.multiply(tokens: tokens, input: input, into: output)
        finish(tokens: tokens, output)
    }

    /// Several projections of the same input; for few tokens they share a parallel region.
    static func apply(
        tokens: Int,
        _ input: UnsafePointer<Float>,
        _ projections: [(projection: Projection, output: UnsafeMutablePointer<Float>)]
    ) {
        WeightMatrix.multiply(
            tokens: tokens,
            input: input,
            projections.map { WeightMatrix.Product($0.projection.weight, into: $0.output) }
        )
        for (projection, output) in projections { projection.finish(tokens: tokens, output) }
    }

    /// Adds the bias and restores the order of rows; doing so on outputs leaves the weights mapped as they are.
    private func finish(tokens: Int, _ output: UnsafeMutablePointer<Float>) {
        if bias == nil, case .original = order { return }
        let rows = weight.rows
        Parallel.forEachBlock(of: 32, in: tokens) { block in
            for token in block {
                let row = output + token * rows
                if let bias {
                    bias.withUnsafeBufferPointer { $0.baseAddress.map { VectorMath.add($0, into: row, count: rows) } }
                }
                if case .interleavedHalves(let headDim) = order { separateHalves(row, headDim: headDim) }
            }
        }
    }

    private func separateHalves(_ row: UnsafeMutablePointer<Float>, headDim: Int) {
        let half = headDim / 2
        withUnsafeTemporaryAllocation(of: Float.self, capacity: half) { scratch in
            guard let second = scratch.baseAddress else { return }
            for head in stride(from: 0, to: weight.rows, by: headDim) {
                let channels = row + head
                for pair in 0..<half {
                    second[pair] = channels[2 * pair + 1]
                    channels[pair] = channels[2 * pair]
                }
                (channels + half).update(from: second, count: half)
            }
        }
    }
}
