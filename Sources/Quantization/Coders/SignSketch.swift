import Foundation
import TensorCore

/// Signs of random projections, which give back a direction: `x' = ‖x‖/(m·E|s₁|) · S·sign(Sᵀx)`.
///
/// The estimate of any inner product ⟨q, x⟩ is unbiased. Columns are orthogonal within each block of D, which makes its
/// variance smaller, and of length √D: E|s₁| = √D·Γ(D/2)/(√π·Γ((D + 1)/2)), where a Gaussian S has √(2/π). Source: Zandieh et al., QJL, 2024.
struct SignSketch {
    let channels: Int
    let count: Int
    /// [projection][channel], of norm √D each.
    private let rows: [Float]
    /// 1 / (m·E|s₁|)
    private let scale: Float

    init(channels: Int, count: Int, seed: UInt64) {
        self.channels = channels
        self.count = count
        var random = SeededGenerator(seed: seed), rows: [Float] = []
        while rows.count < count * channels {
            var block = (0..<min(channels, count - rows.count / channels)).map { _ in
                (0..<channels).map { _ in random.nextGaussian() }
            }
            LowRankStage.orthogonalize(&block)
            let root = Double(channels).squareRoot()
            for row in block { rows += row.map { Float($0 * root) } }
        }
        self.rows = rows
        let d = Double(channels)
        let mean = (d / Double.pi).squareRoot() * exp(lgamma(d / 2) - lgamma((d + 1) / 2))
        scale = Float(1 / (Double(max(1, count)) * mean))
    }

    func signs(_ x: UnsafeMutableBufferPointer<Float>) -> [UInt16] {
        (0..<count).map { projection in
            var sum: Float = 0
            for channel in 0..<channels { sum += rows[projection * channels + channel] * x[channel] }
            return sum < 0 ? 0 : 1
        }
    }

    /// Adds the estimate of a vector of the given norm.
    func add(_ signs: ArraySlice<UInt16>, norm: Float, to x: UnsafeMutableBufferPointer<Float>) {
        let factor = scale * norm
        for (projection, sign) in signs.enumerated() {
            let step = sign == 0 ? -factor : factor
            for channel in 0..<channels { x[channel] += step * rows[projection * channels + channel] }
        }
    }
}
