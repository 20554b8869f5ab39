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
    /// Weight bytes of one work item of a matrix–vector product: small enough to share out, large enough to pay.
    private static let bytesPerItem = 32 << 10
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
        // Block types read the vector in the order in which their codes unpack, and its sums over 32.
        let paddedColumns = (columns + 31) / 32 * 32, blocks = paddedColumns / 32
        withUnsafeTemporaryAllocation(of: Float.self, capacity: tokens * (paddedColumns + blocks)) { scratch in
            guard let prepared = scratch.baseAddress else { return }
            let sums = prepared + tokens * paddedColumns
            for token in 0..<tokens {
                kernels.pointee.prepare_vector(
                    input + token * columns,
                    prepared + token * paddedColumns,
                    sums + token * blocks,
                    columns
                )
            }
            let items = workItems(products)
            Parallel.forEach(items.count) { index in
                let (product, firstRow, rowCount) = items[index]
                let matrix = products[product].matrix
                for token in 0..<tokens {
                    var work = kva_gemv(
                        weights: matrix.bytes + firstRow * matrix.bytesPerRow,
                        row_bytes: matrix.bytesPerRow,
                        rows: rowCount,
                        columns: columns,
                        vector: input + token * columns,
                        prepared: prepared + token * paddedColumns,
                        sums: sums + token * blocks,
                        result: products[product].result + token * matrix.rows + firstRow
                    )
                    kernels.pointee.gemv(matrix.elementType.identifier, &work)
                }
            }
        }
    }

    private static func workItems(_ products: [Product]) -> [(product: Int, firstRow: Int, rowCount: Int)] {
        products.indices.flatMap { product in
            let matrix = products[product].matrix
            let rowsPerItem = max(4, bytesPerItem / matrix.bytesPerRow / 4 * 4)
            return stride(from: 0, to: matrix.rows, by: rowsPerItem).map { firstRow in
                (product, firstRow, min(rowsPerItem, matrix.rows - firstRow))
            }
        }
    }
}
