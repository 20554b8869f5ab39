import Foundation
import Kernels

/// What a cache did to the distribution of one next token, against full precision.
package struct TokenComparison: Sendable, Equatable {
    /// −ln of the right token's probability, in nats.
    package var loss = 0.0
    /// Σ p·ln(p/q) in nats, p of full precision, q of the cache.
    package var divergence = 0.0
    /// Whether both find the same token the likeliest.
    package var agrees = false
    /// The right token's probability with the cache less that in full precision.
    package var probabilityChange = 0.0
    /// False where a logit is NaN or infinite: no probabilities exist then, and the other values are nothing.
    package var isFinite = true

    package init() {}

    static let notFinite: TokenComparison = {
        var comparison = TokenComparison()
        (comparison.loss, comparison.divergence, comparison.probabilityChange) = (.nan, .nan, .nan)
        comparison.isFinite = false
        return comparison
    }()

    /// Compares the logits of one row.
    ///
    /// - Parameters:
    ///   - exact: those of full precision; `nil` measures the loss alone.
    ///   - scratch: `count` floats.
    package init(
        cached logits: UnsafePointer<Float>,
        exact: UnsafePointer<Float>?,
        count: Int,
        next: Int32,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let isFinite =
            VectorMath.isFinite(logits, count: count) && (exact.map { VectorMath.isFinite($0, count: count) } ?? true)
        guard isFinite else {
            self = .notFinite
            return
        }
        let cached = TokenDistribution(logits, count: count, scratch: scratch)
        if let exact {
            let full = TokenDistribution(exact, count: count, scratch: scratch)
            self = full.compare(to: cached, next: next, exponentials: scratch)
        } else {
            loss = cached.loss(of: next)
        }
    }
}

/// The distribution of one next token, of finite logits, with what others are compared with.
private struct TokenDistribution {
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
        var comparison = TokenComparison()
        comparison.loss = other.loss(of: next)
        // Rounding can take an equal distribution below zero.
        comparison.divergence = divergence < 0 ? 0 : divergence
        comparison.agrees = likeliest == other.likeliest
        comparison.probabilityChange = exp(-comparison.loss) - exp(-loss(of: next))
        return comparison
    }
}
