import Kernels
import Quantization

/// How much attention each token gets from some probe queries, over how many of them see it.
///
/// Probes are the last twentieth of the queries and as many from the rest; the heads that share a key add up.
/// Source: He et al., ZipCache, NeurIPS 2024, §4.2.
enum TokenSaliency {
    /// `[kv_head, token]`
    static func measure(_ sample: LayerSample) -> FloatBlock {
        let tokens = sample.key.tokens, heads = sample.key.heads, group = sample.queriesPerHead
        let positions = probes(tokens)
        var result = FloatBlock(zeros: BlockShape(heads: heads, tokens: tokens, channels: 1))
        guard !positions.isEmpty else { return result }
        let seen = (0..<tokens).map { token in Float(positions.lazy.filter { $0 >= token }.count) }
        let keys = sample.key.decoded()
        result.elements.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let target = buffer
            Parallel.forEach(heads) { head in
                let block = QueryBlock(sample: sample, kvHead: head, positions: positions, keyCount: tokens)
                let weights = Matrix(rows: block.rows, columns: tokens)
                block.attend(to: HeadView(keys, head: head), into: weights)
                for row in 0..<positions.count * group {
                    for token in 0..<tokens { target[head * tokens + token] += weights.row(row)[token] }
                }
                for token in 0..<tokens where seen[token] > 0 { target[head * tokens + token] /= seen[token] }
            }
        }
        return result
    }

    static func probes(_ tokens: Int) -> [Int] {
        let count = max(1, tokens / 20), rest = max(0, tokens - count)
        let spread = rest == 0 ? [] : (0..<min(count, rest)).map { ($0 * 2 + 1) * rest / (2 * min(count, rest)) }
        return Array(Set(spread + (rest..<tokens))).sorted()
    }
}
