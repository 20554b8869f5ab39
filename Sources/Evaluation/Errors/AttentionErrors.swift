import Kernels
import Quantization
import TensorCore

/// Lets captured queries attend to exact and to cached keys and values, and compares.
///
/// Causal, in float32: `A = softmax(q · Kᵀ / √D)` over the keys up to the query's
/// own position, `o = A · V`. Query head `h` reads key/value head `h / (H / H_kv)`.
/// The queries of the heads that share one are stacked, so that one matrix
/// product serves them all. Exact `A` and `A · V` of a block of queries are
/// computed once and set against every scheme.
struct AttentionErrors {
    let sample: LayerSample
    let plan: EvaluationPlan
    let subjects: Set<MetricSubject>
    /// `[kv_head, token, channel]`, exact.
    let keys: Tensor
    let values: Tensor
    /// The same from the cache, for each side of the plan.
    let cachedKeys: [Tensor]
    let cachedValues: [Tensor]

    /// Rows of one matrix product, about: enough for the product to run at full speed, few enough
    /// that the weights of a block stay in a cache shared by the cores.
    private static let rowsPerBlock = 128

    func evaluate() -> AttentionDeviations {
        let kvHeads = sample.key.heads
        let group = sample.queriesPerHead
        let width = max(1, Self.rowsPerBlock / group)
        let blocks = (sample.positions.count + width - 1) / width
        // Late queries see most keys: they go first, so that no long item is left for the end.
        let results = parallelMap(kvHeads * blocks) { item in
            let block = blocks - 1 - item / kvHeads
            let positions = sample.positions[block * width..<min((block + 1) * width, sample.positions.count)]
            return evaluate(kvHead: item % kvHeads, positions: Array(positions))
        }
        var total = AttentionDeviations(plan: plan, heads: sample.heads)
        for (item, result) in results.enumerated() {
            total.merge(result, firstHead: item % kvHeads * group)
        }
        return total
    }

    /// A block of queries at ascending positions, for all query heads of one key/value head.
    private func evaluate(kvHead: Int, positions: [Int]) -> AttentionDeviations {
        let group = sample.queriesPerHead
        var result = AttentionDeviations(plan: plan, heads: group)
        guard let last = positions.last else { return result }
        let block = QueryBlock(sample: sample, kvHead: kvHead, positions: positions, keyCount: last + 1)
        let exactKeys = HeadView(keys, head: kvHead)
        let exactValues = HeadView(values, head: kvHead)

        let exactWeights = Matrix(rows: block.rows, columns: block.keyCount)
        let weights = Matrix(rows: block.rows, columns: block.keyCount)
        let exactOutput = Matrix(rows: block.rows, columns: block.channels)
        let output = Matrix(rows: block.rows, columns: block.channels)

        block.attend(to: exactKeys, into: exactWeights)
        if subjects.contains(.attention) {
            result.attention = (0..<group).map { block.sparsity(of: exactWeights, queryHead: $0) }
        }
        let needsOutput = !subjects.isDisjoint(with: [.outputOfKeys, .outputOfValues, .outputOfBoth])
        if needsOutput { block.weigh(exactValues, by: exactWeights, into: exactOutput) }

        if !subjects.isDisjoint(with: [.scores, .outputOfKeys, .outputOfBoth]) {
            for side in plan.keySides.indices {
                block.attend(to: HeadView(cachedKeys[side], head: kvHead), into: weights)
                if subjects.contains(.scores) {
                    result.scores[side] = block.compareWeights(weights, with: exactWeights)
                }
                if subjects.contains(.outputOfKeys) {
                    block.weigh(exactValues, by: weights, into: output)
                    result.outputOfKeys[side] = block.compareOutput(output, with: exactOutput)
                }
                for scheme in plan.schemes(withKeySide: side) where subjects.contains(.outputOfBoth) {
                    let cached = HeadView(cachedValues[plan.valueSide[scheme]], head: kvHead)
                    block.weigh(cached, by: weights, into: output)
                    result.outputOfBoth[scheme] = block.compareOutput(output, with: exactOutput)
                }
            }
        }
        if subjects.contains(.outputOfValues) {
            for side in plan.valueSides.indices {
                block.weigh(HeadView(cachedValues[side], head: kvHead), by: exactWeights, into: output)
                result.outputOfValues[side] = block.compareOutput(output, with: exactOutput)
            }
        }
        return result
    }
}
