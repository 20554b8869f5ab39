import Kernels
import TensorCore
import Testing

/// The two halves of attention that can be run alone, against their definitions in double precision.
@Suite struct AttentionProductsTests {
    private struct Case {
        let shape: Attention.Shape
        let tokens: Int
        let query, keys, values, weights: [Float]

        init(group: Int, tokens: Int, channels: Int) {
            shape = Attention.Shape(heads: 2 * group, kvHeads: 2, channels: channels)
            self.tokens = tokens
            var generator = SeededGenerator(seed: UInt64(tokens * 1000 + channels + group))
            func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.nextGaussian()) } }
            query = draw(shape.heads * channels)
            keys = draw(2 * tokens * channels)
            values = draw(2 * tokens * channels)
            weights = draw(shape.heads * tokens)
        }

        func view(_ side: UnsafePointer<Float>) -> Attention.CacheView {
            Attention.CacheView(float32: side, headStride: tokens * shape.channels, tokenStride: shape.channels)
        }

        func scores() -> [Float] {
            var scores = [Float](repeating: .nan, count: shape.heads * tokens)
            keys.withUnsafeBufferPointer { keys in
                guard let base = keys.baseAddress else { return }
                Attention.scores(query: query, tokens: tokens, shape: shape, keys: view(base), into: &scores)
            }
            return scores
        }

        func weightedSum() -> [Float] {
            var output = [Float](repeating: .nan, count: shape.heads * shape.channels)
            values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                Attention.weightedSum(weights: weights, tokens: tokens, shape: shape, values: view(base), into: &output)
            }
            return output
        }
    }

    /// Σ of products and of their magnitudes.
    private func sum(_ count: Int, _ term: (Int) -> Double) -> (sum: Double, magnitude: Double) {
        (0..<count).reduce((0, 0)) { ($0.0 + term($1), $0.1 + abs(term($1))) }
    }

    @Test(arguments: [1, 4], [(1, 8), (33, 7), (1024, 16), (2500, 5)])
    func halvesAreTheirDefinitions(group: Int, size: (tokens: Int, channels: Int)) {
        let input = Case(group: group, tokens: size.tokens, channels: size.channels)
        let tokens = size.tokens, channels = size.channels
        let scores = input.scores(), output = input.weightedSum()
        for head in 0..<input.shape.heads {
            let side = head / group * tokens * channels
            for token in 0..<tokens {
                let (exact, magnitude) = sum(channels) {
                    Double(input.query[head * channels + $0]) * Double(input.keys[side + token * channels + $0])
                }
                // One rounding a product and one an addition.
                let budget = Double(channels + 8) * unit * magnitude
                #expect(abs(Double(scores[head * tokens + token]) - exact) <= budget)
            }
            for channel in 0..<channels {
                let (exact, magnitude) = sum(tokens) {
                    Double(input.weights[head * tokens + $0]) * Double(input.values[side + $0 * channels + channel])
                }
                let budget = Double(tokens + 8) * unit * magnitude
                #expect(abs(Double(output[head * channels + channel]) - exact) <= budget)
            }
        }
    }
}
