/// Attention with each scheme beside exact attention, for each query head.
struct AttentionDeviations {
    /// The exact weights alone, `[head]`.
    var attention: [Deviation]
    /// `[key side][head]`.
    var scores: [[Deviation]]
    var outputOfKeys: [[Deviation]]
    /// `[value side][head]`.
    var outputOfValues: [[Deviation]]
    /// `[scheme][head]`.
    var outputOfBoth: [[Deviation]]

    /// Nothing compared yet.
    init(plan: EvaluationPlan, heads: Int) {
        let none = [Deviation](repeating: Deviation(), count: heads)
        attention = none
        scores = Array(repeating: none, count: plan.keySides.count)
        outputOfKeys = scores
        outputOfValues = Array(repeating: none, count: plan.valueSides.count)
        outputOfBoth = Array(repeating: none, count: plan.schemes.count)
    }

    /// Adds the results of a block of queries whose first head is `firstHead`.
    mutating func merge(_ block: AttentionDeviations, firstHead: Int) {
        Self.merge(&attention, block.attention, firstHead)
        Self.merge(&scores, block.scores, firstHead)
        Self.merge(&outputOfKeys, block.outputOfKeys, firstHead)
        Self.merge(&outputOfValues, block.outputOfValues, firstHead)
        Self.merge(&outputOfBoth, block.outputOfBoth, firstHead)
    }

    private static func merge(_ all: inout [[Deviation]], _ block: [[Deviation]], _ firstHead: Int) {
        for index in all.indices { merge(&all[index], block[index], firstHead) }
    }

    private static func merge(_ all: inout [Deviation], _ block: [Deviation], _ firstHead: Int) {
        for (head, deviation) in block.enumerated() { all[firstHead + head].merge(deviation) }
    }
}
