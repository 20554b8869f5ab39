internal import CKernels
import TensorCore

extension WeightMatrix {
    /// One product of a batch that shares its vectors.
    public struct Product {
        let matrix: WeightMatrix
        let result: UnsafeMutablePointer<Float>

        /// - Parameter result: receives `matrix.rows` values a token.
        public init(_ matrix: WeightMatrix, into result: UnsafeMutablePointer<Float>) {
            self.matrix = matrix
            self.result = result
        }
    }

    /// Up to this many tokens, fixed-point products of all of them beat dequantizing the weights for BLAS.
    /// Measured, SmolLM2's 30 layers with 256 tokens before, tokens a second by both ways: AVX2 252 and 195 for
    /// 10 tokens, 252 and 258 for 12, 250 and 290 for 16. 1536 × 576 Q4_1 alone, microseconds: AVX-512 108 and 266
    /// for 8 tokens, 215 and 360 for 16.
    private static let fewTokens = InstructionSet.active == .avx2 ? 11 : 16
    /// Weight bytes of one work item of a matrix–vector product: small enough to share out, and large enough for
    /// the memory's stream to run. Measured on two threads: 0.77 of the plain read rate at 16 KB, 0.79 at 32,
    /// 0.92 at 64, 0.95 at 128.
    private static let bytesPerItem = 32 << 10...128 << 10
    /// Rows dequantized at a time for BLAS, which copies all vectors anew for each such block into its own order: of 96
    /// rows that takes 10 % of a prompt's time (Qwen2.5 1.5B), of 384 5 %. A matrix has at least 8 blocks, which threads
    /// share out, and how many never depends on them.
    private static let rowsOfItem = 96...384
    /// Tokens of one BLAS call.
    private static let tokensPerItem = 512

    /// y[rows] = W·x, on all threads.
    public func multiply(vector: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        Self.multiply(vector: vector, [Product(self, into: result)])
    }

    /// Several matrices times one vector in one parallel region, e.g. query, key and value projections.
    /// - Precondition: all matrices have the same number of columns.
    public static func multiply(vector: UnsafePointer<Float>, _ products: [Product]) {
        multiply(tokens: 1, input: vector, products)
    }

    /// Y[tokens, rows] = X[tokens, columns]·Wᵀ, on all threads.
    public func multiply(tokens: Int, input: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        Self.multiply(tokens: tokens, input: input, [Product(self, into: result)])
    }

    /// Several matrices times the same vectors: Y[tokens, rows] = X[tokens, columns]·Wᵀ for each.
    ///
    /// Few tokens: one pass over all matrices serves them all, in one parallel region. Of types with blocks the
    /// codes are multiplied with the vectors in fixed point: from W·x in exact arithmetic a result differs by
    /// 1.005·2⁻²¹ · Σ over blocks of 32 columns (max |x| · Σ |w|) and the rounding of a float32 sum. Where a
    /// vector holds NaN or an infinity, all its results are NaN. A token's result is the same bit for bit
    /// whichever few it is computed with.
    ///
    /// Many tokens: OpenBLAS over fixed blocks of rows, each dequantized once into its worker's scratch of at most
    /// `384 × columns` floats.
    /// - Precondition: all matrices have the same number of columns.
    public static func multiply(tokens: Int, input: UnsafePointer<Float>, _ products: [Product]) {
        guard tokens > 0, let first = products.first else { return }
        precondition(products.allSatisfy { $0.matrix.columns == first.matrix.columns }, "matrices of different width")
        if tokens <= fewTokens {
            multiplyInOnePass(tokens: tokens, input: input, products)
        } else {
            for product in products {
                product.matrix.multiplyByBLAS(tokens: tokens, input: input, into: product.result)
            }
        }
    }

    private func multiplyByBLAS(tokens: Int, input: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        let (least, most) = (Self.rowsOfItem.lowerBound, Self.rowsOfItem.upperBound)
        let rowsPerItem = min(max((rows / 8 + least - 1) / least * least, least), most)
        let rowItems = (rows + rowsPerItem - 1) / rowsPerItem
        let tokenItems = (tokens + Self.tokensPerItem - 1) / Self.tokensPerItem
        Parallel.forEach(rowItems * tokenItems) { item in
            let firstRow = item / tokenItems * rowsPerItem, firstToken = item % tokenItems * Self.tokensPerItem
            let rowCount = min(rowsPerItem, rows - firstRow)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rowCount * columns) { scratch in
                guard let block = scratch.baseAddress else { return }
                dequantize(rows: firstRow..<firstRow + rowCount, into: block)
                DenseMatrix.multiply(
                    rows: min(Self.tokensPerItem, tokens - firstToken),
                    columns: rowCount,
                    inner: columns,
                    input + firstToken * columns,
                    stride: columns,
                    block,
                    stride: columns,
                    transposed: true,
                    into: result + firstToken * rows + firstRow,
                    stride: rows
                )
            }
        }
    }

    private static func multiplyInOnePass(tokens: Int, input: UnsafePointer<Float>, _ products: [Product]) {
        let columns = products[0].matrix.columns
        let kernels = KernelTable.active
        let preparedBytes = kva_prepared_bytes(columns)
        let hasBlocks = products.contains { $0.matrix.elementType.elementsPerBlock > 1 }
        withUnsafeTemporaryAllocation(byteCount: tokens * preparedBytes, alignment: 64) { scratch in
            guard let prepared = scratch.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            if hasBlocks {
                for token in 0..<tokens {
                    kernels.pointee.prepare_vector(input + token * columns, prepared + token * preparedBytes, columns)
                }
            }
            let items = workItems(products)
            Parallel.forEach(items.count) { index in
                let (product, firstRow, rowCount) = items[index]
                let matrix = products[product].matrix
                var work = kva_gemv(
                    weights: matrix.bytes + firstRow * matrix.bytesPerRow,
                    row_bytes: matrix.bytesPerRow,
                    rows: rowCount,
                    columns: columns,
                    tokens: tokens,
                    vectors: input,
                    prepared: prepared,
                    result: products[product].result + firstRow,
                    result_stride: matrix.rows
                )
                kernels.pointee.gemv(matrix.elementType.identifier, &work)
            }
        }
    }

    private static func workItems(_ products: [Product]) -> [(product: Int, firstRow: Int, rowCount: Int)] {
        let eighth = products.reduce(0) { $0 + $1.matrix.byteCount } / 8
        let bytes = min(max(eighth, bytesPerItem.lowerBound), bytesPerItem.upperBound)
        return products.indices.flatMap { product in
            let matrix = products[product].matrix
            let rowsPerItem = max(1, bytes / matrix.bytesPerRow)
            return stride(from: 0, to: matrix.rows, by: rowsPerItem).map { firstRow in
                (product, firstRow, min(rowsPerItem, matrix.rows - firstRow))
            }
        }
    }
}
