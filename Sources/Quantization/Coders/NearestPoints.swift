import Kernels

/// Which of some points is nearest to each of many vectors, by products of matrices.
enum NearestPoints {
    /// The place of the nearest point to each vector; of two as near, the first.
    static func find(_ vectors: [Float], _ dimensions: Int, _ grid: [Float], into labels: inout [Int32]) {
        let count = grid.count / dimensions, total = vectors.count / dimensions
        let halves = (0..<count).map { point in
            (0..<dimensions).reduce(Float(0)) { $0 + grid[point * dimensions + $1] * grid[point * dimensions + $1] } / 2
        }
        labels.withUnsafeMutableBufferPointer { buffer in
            vectors.withUnsafeBufferPointer { vectors in
                guard let target = buffer.baseAddress, let base = vectors.baseAddress else { return }
                nonisolated(unsafe) let labels = target, rows = base
                Parallel.forEachBlock(of: 512, in: total) { block in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: block.count * count) { scratch in
                        guard let scores = scratch.baseAddress else { return }
                        DenseMatrix.multiply(
                            rows: block.count,
                            columns: count,
                            inner: dimensions,
                            rows + block.lowerBound * dimensions,
                            stride: dimensions,
                            grid,
                            stride: dimensions,
                            transposed: true,
                            into: scores,
                            stride: count
                        )
                        for row in 0..<block.count {
                            var best = 0, most = -Float.infinity
                            for point in 0..<count {
                                let score = scores[row * count + point] - halves[point]
                                if score > most { (best, most) = (point, score) }
                            }
                            labels[block.lowerBound + row] = Int32(best)
                        }
                    }
                }
            }
        }
    }
}
