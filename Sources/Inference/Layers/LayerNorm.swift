import Kernels

/// y = (x − mean(x)) / √(variance(x) + ε) · weight + bias. Source: Ba et al., "Layer Normalization" (2016).
struct LayerNorm: Normalization {
    let weight: [Float]
    let bias: [Float]
    let epsilon: Float

    var width: Int { weight.count }

    func apply(tokens: Int, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let width = width
        weight.withUnsafeBufferPointer { weight in
            bias.withUnsafeBufferPointer { bias in
                guard let weight = weight.baseAddress, let bias = bias.baseAddress else { return }
                Parallel.forEachBlock(of: 32, in: tokens) { block in
                    for token in block {
                        normalize(input + token * width, weight, bias, into: output + token * width)
                    }
                }
            }
        }
    }

    /// Sums are in double precision: the mean may be much larger than what is left of the channels without it.
    private func normalize(
        _ x: UnsafePointer<Float>,
        _ weight: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        let count = width
        var sum = 0.0
        for channel in 0..<count { sum += Double(x[channel]) }
        let mean = sum / Double(count)
        var squares = 0.0
        for channel in 0..<count {
            let difference = Double(x[channel]) - mean
            squares += difference * difference
        }
        let factor = Float(1 / (squares / Double(count) + Double(epsilon)).squareRoot()), center = Float(mean)
        for channel in 0..<count { y[channel] = (x[channel] - center) * factor * weight[channel] + bias[channel] }
    }
}
