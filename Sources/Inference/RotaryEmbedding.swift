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
public struct AttentionReach: Sendable, Hashable, Codable {
    /// Tokens that a token sees, itself among them; `nil` for all before it.
    public let window: Int?
    /// Index of the layer's embedding among the model's rotations.
    public let rotation: Int

    public init(window: Int?, rotation: Int) {
        self.window = window
        self.rotation = rotation
    }
}

/// How the layers of a model attend: what turns their queries and keys, what they see, how scores are scaled.
public struct AttentionLayout: Sendable, Hashable, Codable {
    /// Factor on scores before the softmax.
    public var scale: Float
    /// The different rotations of the layers; the first is that of layers which see the whole context.
    public var rotations: [RotaryEmbedding]
    /// One a layer.
    public var layers: [AttentionReach]
    /// Scaled scores s become softcap·tanh(s / softcap), as in Gemma 2; `nil` leaves them.
    public var softcap: Float?

    public init(scale: Float, rotations: [RotaryEmbedding], layers: [AttentionReach], softcap: Float? = nil) {
        self.scale = scale
        self.rotations = rotations
        self.layers = layers
        self.softcap = softcap
    }

    /// Full attention in every layer, turned by one base and scaled by 1/√headDim.
    public static func usual(layers: Int, headDim: Int, ropeBase: Double) -> AttentionLayout {
        AttentionLayout(
            scale: 1 / Float(headDim).squareRoot(),
            rotations: [RotaryEmbedding(base: ropeBase)],
            layers: Array(repeating: AttentionReach(window: nil, rotation: 0), count: layers)
        )
    }

    /// How a layer turns its queries and keys.
    /// - Precondition: the model has the layer.
    public func rotation(layer: Int) -> RotaryEmbedding { rotations[layers[layer].rotation] }
}
