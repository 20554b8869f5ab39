internal import COpenBLAS

/// Decompositions of small symmetric matrices in double, by LAPACK on the calling thread.
public enum LinearAlgebra {
    /// Eigenvalues in descending order and their eigenvectors, one a row, of a symmetric `[n, n]` matrix.
    ///
    /// Each vector's largest element is positive, so that one matrix has one result.
    /// - Returns: `nil` if the matrix has elements that are not finite.
    /// - Complexity: O(n³).
    public static func symmetricEigen(_ matrix: [Double], size n: Int) -> (values: [Double], vectors: [[Double]])? {
        precondition(matrix.count == n * n, "\(matrix.count) elements of \(n)×\(n)")
        guard matrix.allSatisfy({ $0.isFinite }) else { return nil }
        guard n > 0 else { return ([], []) }
        DenseMatrix.useOneThread()
        var a = matrix, values = [Double](repeating: 0, count: n), size = Int32(n), status: Int32 = 0
        var workCount = Int32(1 + 6 * n + 2 * n * n), integerCount = Int32(3 + 5 * n)
        var work = [Double](repeating: 0, count: Int(workCount)),
            integers = [Int32](repeating: 0, count: Int(integerCount))
        dsyevd_("V", "U", &size, &a, &size, &values, &work, &workCount, &integers, &integerCount, &status)
        guard status == 0 else { return nil }
        // Columns of a matrix by columns follow each other, in ascending order of their values.
        let vectors = (0..<n).reversed().map { column -> [Double] in
            let vector = Array(a[column * n..<(column + 1) * n])
            let largest = vector.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? vector.map { -$0 } : vector
        }
        return (values.reversed(), vectors)
    }

    /// AᵀB of A `[rows, n]` and B `[rows, m]`, as `[n, m]`.
    /// - Complexity: O(rows·n·m).
    public static func transposedProduct(_ a: [Double], _ b: [Double], rows: Int) -> [Double] {
        guard rows > 0 else { return [] }
        precondition(a.count.isMultiple(of: rows) && b.count.isMultiple(of: rows), "not \(rows) rows")
        DenseMatrix.useOneThread()
        let n = a.count / rows, m = b.count / rows
        var result = [Double](repeating: 0, count: n * m)
        cblas_dgemm(
            CblasRowMajor,
            CblasTrans,
            CblasNoTrans,
            Int32(n),
            Int32(m),
            Int32(rows),
            1,
            a,
            Int32(n),
            b,
            Int32(m),
            0,
            &result,
            Int32(m)
        )
        return result
    }

    /// X of A·X = B for a symmetric positive definite A `[n, n]`; B and X are `[column][n]`.
    ///
    /// - Returns: `nil` if A is not positive definite.
    /// - Complexity: O(n³ + n²·columns).
    public static func solve(_ matrix: [Double], size n: Int, _ columns: [[Double]]) -> [[Double]]? {
        precondition(matrix.count == n * n && columns.allSatisfy { $0.count == n }, "not \(n)×\(n)")
        guard n > 0, !columns.isEmpty else { return columns }
        DenseMatrix.useOneThread()
        var a = matrix, b = columns.flatMap { $0 }, size = Int32(n), count = Int32(columns.count), status: Int32 = 0
        dposv_("U", &size, &count, &a, &size, &b, &size, &status)
        guard status == 0 else { return nil }
        return columns.indices.map { Array(b[$0 * n..<($0 + 1) * n]) }
    }
}
