import TensorCore

/// How the next token is chosen.
public struct Sampling: Sendable, Equatable {
    /// 0 takes the most likely token; higher flattens the distribution.
    public let temperature: Double
    /// Keeps the most likely tokens whose probabilities reach this sum. Source: Holtzman et al., "The Curious
    /// Case of Neural Text Degeneration" (2020).
    public let topP: Double
    public let seed: UInt64

    public static let greedy = Sampling(uncheckedTemperature: 0, topP: 1, seed: 0)

    /// - Throws: `ModelError.invalidSetting` for a negative temperature or a `topP` outside (0, 1].
    public init(temperature: Double, topP: Double = 1, seed: UInt64) throws {
        guard temperature >= 0, temperature.isFinite else {
            throw ModelError.invalidSetting(name: "temperature", value: "\(temperature)", expected: "0 or more")
        }
        guard topP > 0, topP <= 1 else {
            throw ModelError.invalidSetting(name: "top-p", value: "\(topP)", expected: "above 0 and at most 1")
        }
        self.init(uncheckedTemperature: temperature, topP: topP, seed: seed)
    }

    /// The same for another sequence of a batch: its seed plus the sequence's number.
    func stream(_ index: Int) -> Sampling {
        Sampling(uncheckedTemperature: temperature, topP: topP, seed: seed &+ UInt64(index))
    }

    private init(uncheckedTemperature temperature: Double, topP: Double, seed: UInt64) {
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
    }
}

/// Chooses tokens from logits; the same seed and logits give the same tokens.
public struct Sampler: Sendable {
    private let sampling: Sampling
    private var generator: SeededGenerator

    public init(_ sampling: Sampling) {
        self.sampling = sampling
        generator = SeededGenerator(seed: sampling.seed)
    }

    /// - Precondition: there is at least one logit.
    /// - Complexity: O(n) when greedy, O(n log n) with a temperature.
    public mutating func next(_ logits: ArraySlice<Float>) -> Int32 {
        precondition(!logits.isEmpty, "no logits to choose from")
        return sampling.temperature == 0 ? Self.largest(logits) : sample(logits)
    }

    /// The first of the largest; NaN is never chosen while there is a number.
    static func largest(_ logits: ArraySlice<Float>) -> Int32 {
        var best = logits.startIndex
        for index in logits.indices where logits[index] > logits[best] || logits[best].isNaN { best = index }
        return Int32(best - logits.startIndex)
    }

    private mutating func sample(_ logits: ArraySlice<Float>) -> Int32 {
        let shift = Double(logits[logits.startIndex + Int(Self.largest(logits))])
        var candidates = logits.enumerated().map { index, logit in
            let weight = exponential((Double(logit) - shift) / sampling.temperature)
            return (id: Int32(index), weight: weight.isNaN ? 0 : weight)
        }
        if sampling.topP < 1 { candidates = Self.nucleus(candidates, topP: sampling.topP) }
        var remaining = generator.nextUniform() * candidates.reduce(0) { $0 + $1.weight }
        for candidate in candidates {
            remaining -= candidate.weight
            if remaining < 0 { return candidate.id }
        }
        // Rounding can leave a remainder of nothing: the last one that has any weight.
        return candidates.last { $0.weight > 0 }?.id ?? Self.largest(logits)
    }

    private static func nucleus(_ all: [(id: Int32, weight: Double)], topP: Double) -> [(id: Int32, weight: Double)] {
        let sorted = all.sorted { ($0.weight, $1.id) > ($1.weight, $0.id) }
        let target = topP * sorted.reduce(0) { $0 + $1.weight }
        var sum = 0.0
        var kept = 0
        while kept < sorted.count, sum < target {
            sum += sorted[kept].weight
            kept += 1
        }
        return Array(sorted.prefix(max(kept, 1)))
    }
}
