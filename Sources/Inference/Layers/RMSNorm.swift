import Kernels

/// y = x / √(mean(x²) + ε) · weight. Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).
struct RMSNorm: Sendable {
    let weight: [Float]
    let epsilon: Float

    /// Normalizes `[token, width]` rows.
    func apply(tokens: Int, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        weight.withUnsafeBufferPointer { weight in
            guard let address = weight.baseAddress else { return }
            VectorMath.rmsNorm(
                rows: tokens,
                input,
                weight: address,
                epsilon: epsilon,
                into: output,
                count: weight.count
            )
        }
    }
}
