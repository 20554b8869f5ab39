import Foundation
import Kernels

/// What a cache did to the distribution of one next token, against full precision.
struct TokenComparison: Sendable {
    /// −ln of the right token's probability, in nats.
    var loss = 0.0
    /// The right token's probability.
    var probability = 0.0
    /// Σ p·ln(p/q) in nats, p of full precision, q of the cache.
    var divergence = 0.0
    /// Whether both find the same token the likeliest.
    var agrees = false
    /// The right token's probability with the cache less that in full precision.
    var probabilityChange = 0.0
}

/// The distribution of one next token, with what others are compared with.
struct TokenDistribution {
    let logits: UnsafePointer<Float>
    let count: Int
    let maximum: Float
    let logarithmOfSum: Double

    /// - Parameter scratch: `count` floats, which then hold the exponentials.
    init(_ logits: UnsafePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>) {
        self.logits = logits
        self.count = count
        maximum = VectorMath.maximum(logits, count: count)
        scratch.update(from: logits, count: count)
        logarithmOfSum = log(Double(VectorMath.exponentialSum(scratch, count: count, shift: maximum)))
    }

    /// −ln p.
    func loss(of token: Int32) -> Double {
        logarithmOfSum - (Double(logits[Int(token)]) - Double(maximum))
    }

    /// The first of the likeliest tokens.
    var likeliest: Int {
        var index = 0
        while index < count - 1 && logits[index] != maximum { index += 1 }
        return index
    }

    /// Compares with `other`'s distribution; `exponentials` are this one's, as made by its `init`.
    func compare(
        to other: TokenDistribution,
        next: Int32,
        exponentials: UnsafePointer<Float>
    ) -> TokenComparison {
        // Σ e^(x − max)·((x − max) − (y − max′)), in sums of 1,024 so that float32 is precise enough.
        var sum = 0.0
        for first in stride(from: 0, to: count, by: 1024) {
            var part: Float = 0
            for index in first..<min(count, first + 1024) {
                let difference = (logits[index] - maximum) - (other.logits[index] - other.maximum)
                part += exponentials[index] * difference
            }
            sum += Double(part)
        }
        let divergence = sum * exp(-logarithmOfSum) - logarithmOfSum + other.logarithmOfSum
        let loss = other.loss(of: next)
        return TokenComparison(
            loss: loss,
            probability: exp(-loss),
            // Rounding can take an equal distribution below zero.
            divergence: max(0, divergence),
            agrees: likeliest == other.likeliest,
            probabilityChange: exp(-loss) - exp(-self.loss(of: next))
        )
    }
}
