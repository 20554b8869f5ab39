import TensorCore

/// Which tokens of a capture its order statistics are taken from: a function of the number of tokens alone.
///
/// Up to 8,192 tokens it is all of them. Of more, 8,192 are drawn, one from each of as many equal parts of the
/// token axis at a place that a hash of the part's number gives, so that every token is as likely as any other.
/// For any x, the share of the sample that is ≤ x is then a mean of 8,192 independent draws with the true share as
/// its expectation. Hence the rank error of a channel's quantile at p has a standard deviation of at most
/// √(p(1 − p) / 8,192), 0.0055 at the median and 0.00035 at 0.001 (with fewer draws from strata this is an upper
/// bound), and is above 0.018 with a probability of at most 0.01, and above 0.03 of at most 10⁻⁶ (Hoeffding 1963:
/// 2·exp(−2·8,192·ε²); the bound of Dvoretzky, Kiefer and Wolfowitz, with Massart's constant, is the same for
/// independent draws from all tokens).
public struct TokenSample: Sendable, Equatable {
    /// Tokens drawn of a longer capture.
    public static let size = 1 << 13
    /// Tokens of the capture.
    public let tokens: Int

    public init(tokens: Int) {
        precondition(tokens >= 0 && tokens < 1 << 45, "a sample of \(tokens) tokens")
        self.tokens = tokens
    }

    /// Tokens in the sample.
    public var count: Int { min(tokens, Self.size) }

    /// Whether it is all tokens.
    public var isComplete: Bool { tokens <= Self.size }

    /// The token at a place of the sample; rises with the place. Neighbours may be the same token.
    public func token(at place: Int) -> Int {
        if isComplete { return place }
        var generator = SeededGenerator(seed: UInt64(place))
        let fraction = generator.next() >> 32
        let position = (UInt64(place) << 32 | fraction).multipliedFullWidth(by: UInt64(tokens))
        // Divided by 2³² · 2¹³.
        return Int(position.high << 19 | position.low >> 45)
    }

    /// The places whose tokens lie in a range.
    public func places(in range: Range<Int>) -> Range<Int> {
        if isComplete { return range.clamped(to: 0..<tokens) }
        let first = firstPlace(atLeast: range.lowerBound)
        return first..<max(first, firstPlace(atLeast: range.upperBound))
    }

    private func firstPlace(atLeast token: Int) -> Int {
        var low = 0
        var high = Self.size
        while low < high {
            let middle = (low + high) / 2
            if self.token(at: middle) >= token { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
