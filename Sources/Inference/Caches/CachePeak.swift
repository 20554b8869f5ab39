/// The most that the pages and envelopes of a cache, or of a batch that shares an arena, take at one time; bytes.
///
/// While one layer of one sequence is packed, its tokens exist twice; the others rest. So what all take at rest adds
/// up over a batch, and what the one takes beyond that does not.
public struct CachePeak: Sendable, Equatable {
    /// When all prompts are in.
    public var prompt = 0
    /// What a layer takes beyond its rest while its prompt is packed.
    public var packingPrompt = 0
    /// At rest, at the largest of the lengths that follow.
    public var steps = 0
    /// What a layer takes beyond its rest while what a step pushed out of the window is packed.
    public var packingStep = 0

    public init() {}

    /// Of a cache that packs nothing.
    init(prompt: Int, steps: Int) { (self.prompt, self.steps) = (prompt, steps) }

    /// Bytes that an arena must have.
    public var bytes: Int { max(prompt + packingPrompt, steps + packingStep) }

    /// Caches like this one that fit together.
    public func count(within budget: Int) -> Int {
        guard prompt > 0 || steps > 0 else { return 0 }
        let byPrompt = prompt > 0 ? (budget - packingPrompt) / prompt : .max
        let bySteps = steps > 0 ? (budget - packingStep) / steps : .max
        return max(0, min(byPrompt, bySteps))
    }

    /// Both in one arena.
    public static func + (a: CachePeak, b: CachePeak) -> CachePeak {
        var sum = a
        sum.prompt += b.prompt
        sum.packingPrompt = max(a.packingPrompt, b.packingPrompt)
        sum.steps += b.steps
        sum.packingStep = max(a.packingStep, b.packingStep)
        return sum
    }
}
