import Kernels
import Quantization
import TensorCore

/// Keys in the metric of their queries: `K·Σ^½` with `Σ = mean qᵀq` over the queries of a key/value head.
///
/// `‖δK·Σ^½‖² = mean_q Σ_t (q·δk_t)²`: the error that queries can see (OSCAR's measure, schemes.md §1.15).
struct QueryWeighting {
    /// `[kv_head]`, each `[channel, channel]`; `nil` where queries are not finite.
    private let roots: [[Float]?]
    private let channels: Int

    init(_ sample: LayerSample) {
        let channels = sample.key.channels, group = sample.queriesPerHead
        self.channels = channels
        roots = (0..<sample.key.heads).map { head in
            var covariance = [Double](repeating: 0, count: channels * channels)
            for position in sample.positions {
                for own in 0..<group {
                    let first = (position * sample.heads + head * group + own) * channels
                    let query = HalfConversion.toFloat(Array(sample.query[first..<first + channels])).map { Double($0) }
                    for i in 0..<channels {
                        let factor = query[i]
                        for j in 0..<channels { covariance[i * channels + j] += factor * query[j] }
                    }
                }
            }
            let count = Double(max(1, sample.positions.count * group))
            for index in covariance.indices { covariance[index] /= count }
            guard let eigen = LinearAlgebra.symmetricEigen(covariance, size: channels) else { return nil }
            return (0..<channels * channels).map { index in
                let (channel, rank) = index.quotientAndRemainder(dividingBy: channels)
                return Float(eigen.vectors[rank][channel] * max(0, eigen.values[rank]).squareRoot())
            }
        }
    }

    /// Keys of a head, weighted, set against exact ones.
    func compare(_ exact: Tensor, _ cached: Tensor, head: Int, tokens: Int) -> Deviation {
        var deviation = Deviation()
        guard let root = roots[head] else { return deviation }
        let a = Matrix(rows: tokens, columns: channels), b = Matrix(rows: tokens, columns: channels)
        for (tensor, target) in [(exact, a), (cached, b)] {
            HeadView(tensor, head: head).withElements { keys in
                DenseMatrix.multiply(
                    rows: tokens,
                    columns: channels,
                    inner: channels,
                    keys,
                    stride: channels,
                    root,
                    stride: channels,
                    into: target.elements,
                    stride: channels
                )
            }
        }
        deviation.compare(reference: a.elements, approximation: b.elements, count: tokens * channels)
        return deviation
    }
}
