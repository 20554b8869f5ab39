internal import COpenBLAS

/// Products of dense row-major float32 matrices by OpenBLAS.
///
/// Each call runs on the calling thread alone, and calls may run on several
/// threads at once: our own ``Parallel`` decides who works on what.
public enum DenseMatrix {
    private static let singleThreaded: Void = openblas_set_num_threads(1)

    static func useOneThread() { _ = singleThreaded }

    /// C[rows, columns] = alpha·A[rows, inner]·B[inner, columns] + beta·C, or B[columns, inner]ᵀ if `transposed`.
    ///
    /// Strides count elements from one row to the next; with `beta` 0, C need not be initialized.
    public static func multiply(
        rows: Int,
        columns: Int,
        inner: Int,
        alpha: Float = 1,
        _ a: UnsafePointer<Float>,
        stride aStride: Int,
        _ b: UnsafePointer<Float>,
        stride bStride: Int,
        transposed: Bool = false,
        beta: Float = 0,
        into c: UnsafeMutablePointer<Float>,
        stride cStride: Int
    ) {
        _ = singleThreaded
        guard rows > 0, columns > 0 else { return }
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            transposed ? CblasTrans : CblasNoTrans,
            Int32(rows),
            Int32(columns),
            Int32(inner),
            alpha,
            a,
            Int32(aStride),
            b,
            Int32(bStride),
            beta,
            c,
            Int32(cStride)
        )
    }
}
