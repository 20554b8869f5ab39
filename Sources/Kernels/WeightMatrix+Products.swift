internal import CKernels
import TensorCore

extension WeightMatrix {
    /// One product of a batch that shares its vector.
    public struct Product {
        let matrix: WeightMatrix
        let result: UnsafeMutablePointer<Float>

        /// - Parameter result: receives `matrix.rows` values.
        public init(_ matrix: WeightMatrix, into result: UnsafeMutablePointer<Float>) {
            self.matrix = matrix
            self.result = result
        }
    }

    /// Below this many tokens, reading the weights once a token from cache beats dequantizing them for BLAS.
    private static let fewTokens = 6
    /// Weight bytes of one work item of a matrix–vector product: small enough to share out, and large enough for
    /// the memory's stream to run. Measured on two threads: 0.77 of the plain read rate at 16 KB, 0.79 at 32,
    /// 0.92 at 64, 0.95 at 128.
    private static let bytesPerItem = 32 << 10...128 << 10
    /// Rows dequantized at a time for BLAS: 96 × 576 … 1536 floats stay in the second-level cache.
    private static let rowsPerItem = 96
    /// Tokens of one BLAS call.
    private static let tokensPerItem = 512

    /// y[rows] = W·x, on all threads.
    public func multiply(vector: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        Self.multiply(vector: vector, [Product(self, into: result)])
    }

    /// Several matrices times one vector in one parallel region, e.g. query, key and value projections.
    /// - Precondition: all matrices have the same number of columns.
    public static func multiply(vector: UnsafePointer<Float>, _ products: [Product]) {
        guard let first = products.first else { return }
        precondition(products.allSatisfy { $0.matrix.columns == first.matrix.columns }, "matrices of different width")
        multiply(tokens: 1, input: vector, products)
    }

    /// Y[tokens, rows] = X[tokens, columns]·Wᵀ, on all threads.
    ///
    /// Many tokens: OpenBLAS over fixed blocks of rows, each dequantized once
    /// into its worker's scratch of `96 × columns` floats.
    public func multiply(tokens: Int, input: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        guard tokens > 0 else { return }
        if tokens < Self.fewTokens {
            Self.multiply(tokens: tokens, input: input, [Product(self, into: result)])
        } else {
            multiplyByBLAS(tokens: tokens, input: input, into: result)
        }
    }

    private func multiplyByBLAS(tokens: Int, input: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        let rowItems = (rows + Self.rowsPerItem - 1) / Self.rowsPerItem
        let tokenItems = (tokens + Self.tokensPerItem - 1) / Self.tokensPerItem
        Parallel.forEach(rowItems * tokenItems) { item in
            let firstRow = item / tokenItems * Self.rowsPerItem, firstToken = item % tokenItems * Self.tokensPerItem
            let rowCount = min(Self.rowsPerItem, rows - firstRow)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rowCount * columns) { scratch in
                guard let block = scratch.baseAddress else { return }
                dequantize(rows: firstRow..<firstRow + rowCount, into: block)
                DenseMatrix.multiplyTransposed(
                    rows: min(Self.tokensPerItem, tokens - firstToken),
                    columns: rowCount,
                    inner: columns,
                    input + firstToken * columns,
                    stride: columns,
                    block,
                    stride: columns,
                    into: result + firstToken * rows + firstRow,
                    stride: rows
                )
            }
        }
    }

    private static func multiply(tokens: Int, input: UnsafePointer<Float>, _ products: [Product]) {
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
