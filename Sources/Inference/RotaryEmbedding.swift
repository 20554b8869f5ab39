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

    /// Positions divided by `factor`. Source: Chen et al., "Extending Context Window … via Positional Interpolation" (2023).
    func stretched(by factor: Double, pairs: Int) -> RotaryEmbedding {
        guard factor != 1 else { return self }
        let divisors = (0..<pairs).map { Float(factor * Double(frequencyDivisors?[$0] ?? 1)) }
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
