import Kernels

/// y = x / √(mean(x²) + ε) · weight. Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).
struct RMSNorm: Normalization {
    let weight: [Float]
    let epsilon: Float

    var width: Int { weight.count }

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
