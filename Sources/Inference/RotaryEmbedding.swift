import Kernels

/// How a layer turns queries and keys by their position: frequency i is base^(−2i / headDim) / divisor[i].
public struct RotaryEmbedding: Sendable, Hashable, Codable {
    public let base: Double
    /// One a pair of channels, as long-context models have; `nil` divides by 1.
    public let frequencyDivisors: [Float]?

    public init(base: Double, frequencyDivisors: [Float]? = nil) {
        self.base = base
        self.frequencyDivisors = frequencyDivisors
    }

    /// Positions divided by `factor`. Source: Chen et al., "Extending Context Window of Large Language Models via
    /// Positional Interpolation" (2023).
    func stretched(by factor: Double, pairs: Int) -> RotaryEmbedding {
        guard factor != 1 else { return self }
        let divisors = (0..<pairs).map { Float(factor * Double(frequencyDivisors?[$0] ?? 1)) }
        return RotaryEmbedding(base: base, frequencyDivisors: divisors)
    }

    /// Llama 3.1's: pairs that turn less than `turns.lowerBound` times within the context for which the model was first
    /// made are slowed by `factor`, those that turn more than `turns.upperBound` times are not, those between partly.
    ///
    /// Source: Grattafiori et al., "The Llama 3 Herd of Models" (2024), and Meta's `apply_scaling`.
    func stretched(by factor: Double, turns: Range<Double>, context: Double, pairs: Int) -> RotaryEmbedding {
        let divisors = (0..<pairs).map { pair in
            let frequency = power(base, -Double(pair) / Double(pairs)), turned = context * frequency / (2 * .pi)
            let kept = min(1, max(0, (turned - turns.lowerBound) / (turns.upperBound - turns.lowerBound)))
            return Float(1 / ((1 - kept) / factor + kept))
        }
        return RotaryEmbedding(base: base, frequencyDivisors: divisors)
    }

    /// Cosines and sines of some positions.
    ///
    /// - Complexity: O(positions × channels).
    public func table(positions: some Collection<Int>, channels: Int) -> RotaryTable {
        RotaryTable(positions: positions, channels: channels, base: base, frequencyDivisors: frequencyDivisors)
    }
}

/// What one layer's attention reaches.
public struct LayerAttention: Sendable, Hashable, Codable {
    /// Tokens that a token sees, itself among them; `nil` for all before it.
    public let window: Int?
    /// Index of the layer's embedding among the configuration's rotations.
    public let rotation: Int
}
