internal import CKernels
internal import COpenBLAS

/// What the processor and the BLAS library offer, for reports.
public enum CPUFeatures {
    /// Vector extensions that matter to the kernels, e.g. `avx2`, `fma`, `f16c`.
    public static let names: [String] = {
        let capacity = 256
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            guard let base = buffer.baseAddress else { return [] }
            kva_processor_features(base, capacity)
            return String(cString: base).split(separator: " ").map(String.init)
        }
    }()

    /// OpenBLAS's version and build options, e.g. `OpenBLAS 0.3.21 … Zen MAX_THREADS=64`.
    public static let blasConfiguration: String = {
        guard let text = openblas_get_config() else { return "unknown" }
        return String(cString: text)
    }()

    /// The processor family for which OpenBLAS chose its kernels, e.g. `Zen`.
    public static let blasCore: String = {
        guard let text = openblas_get_corename() else { return "unknown" }
        return String(cString: text)
    }()
}
