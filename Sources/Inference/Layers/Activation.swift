import Kernels

/// The nonlinear function between the matrices of a feed-forward layer.
enum Activation: Sendable {
    /// x / (1 + exp(−x)).
    case silu
    /// 0.5x·(1 + erf(x/√2)). Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
    case gelu
    /// GELU by way of tanh: 0.5x·(1 + tanh(√(2/π)·(x + 0.044715x³))), from the same paper.
    case geluTanh

    /// gate = f(gate)·up; `up` is scratch afterwards. On all threads when long.
    func multiply(gate: UnsafeMutablePointer<Float>, up: UnsafeMutablePointer<Float>, count: Int) {
        switch self {
        case .silu: VectorMath.siluMultiply(gate: gate, up: up, into: gate, count: count)
        case .gelu:
            Parallel.forEachBlock(of: Self.blockLength, in: count) { block in
                for i in block { gate[i] = Self.gelu(gate[i]) * up[i] }
            }
        case .geluTanh:
            // 0.5·(1 + tanh z) is the sigmoid of 2z, so f(x) = silu(sx)/s with s = 2√(2/π)·(1 + 0.044715x²).
            Parallel.forEachBlock(of: Self.blockLength, in: count) { block in
                for i in block {
                    let scale = Self.tanhScale(gate[i])
                    gate[i] *= scale
                    up[i] /= scale
                }
            }
            VectorMath.siluMultiply(gate: gate, up: up, into: gate, count: count)
        }
    }

    /// x = f(x). On all threads when long.
    func apply(_ x: UnsafeMutablePointer<Float>, count: Int) {
        Parallel.forEachBlock(of: Self.blockLength, in: count) { block in
            switch self {
            case .silu: for i in block { x[i] /= 1 + exponential(-x[i]) }
            case .gelu: for i in block { x[i] = Self.gelu(x[i]) }
            case .geluTanh:
                for i in block { x[i] /= 1 + exponential(-x[i] * Self.tanhScale(x[i])) }
            }
        }
    }

    private static let blockLength = 1 << 12

    private static func gelu(_ x: Float) -> Float { 0.5 * x * (1 + errorFunction(x * Float(0.5).squareRoot())) }

    /// Beyond 10⁴ the function is x or 0 to the last bit, and squares would grow without end.
    private static func tanhScale(_ x: Float) -> Float {
        let bounded = min(abs(x), 1e4)
        return 1.595_769_1 * (1 + 0.044_715 * bounded * bounded)
    }
}
