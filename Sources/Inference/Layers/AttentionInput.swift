import Kernels

/// The matrices that make queries, keys and values of a layer's input.
enum AttentionInput: Sendable {
    case separate(query: Projection, key: Projection, value: Projection)
    case fused(FusedProjection)

    /// Writes `[token, head, channel]` in the original model's order of channels.
    ///
    /// - Parameter areQueriesNeeded: if not, what is in `queries` afterwards has no meaning.
    func apply(step: ForwardStep, areQueriesNeeded: Bool) {
        let workspace = step.workspace, normed = workspace.normed.pointer
        switch self {
        case .separate(let query, let key, let value):
            var projections = [(key, workspace.key.pointer), (value, workspace.value.pointer)]
            if areQueriesNeeded { projections.append((query, workspace.query.pointer)) }
            Projection.apply(tokens: step.tokens, normed, projections)
        case .fused(let fused):
            fused.apply(
                tokens: step.tokens,
                normed,
                scratch: workspace.fused.pointer,
                queries: workspace.query.pointer,
                keys: workspace.key.pointer,
                values: workspace.value.pointer
            )
        }
    }
}

/// One matrix whose rows are those of queries, keys and values.
struct FusedProjection: Sendable {
    /// How its rows follow each other.
    enum RowOrder: Sendable {
        /// All queries, all keys, all values.
        case concatenated
        /// For each key/value head its queries, its key and its value.
        case grouped
    }

    let projection: Projection
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    let order: RowOrder

    /// - Parameter scratch: `tokens` × rows floats.
    func apply(
        tokens: Int,
        _ input: UnsafePointer<Float>,
        scratch: UnsafeMutablePointer<Float>,
        queries: UnsafeMutablePointer<Float>,
        keys: UnsafeMutablePointer<Float>,
        values: UnsafeMutablePointer<Float>
    ) {
        projection.apply(tokens: tokens, input, into: scratch)
        // Runs of heads: as many of them as groups have queries, one key, one value.
        let groups = order == .concatenated ? 1 : kvHeads
        let queryCount = heads / groups * headDim, cachedCount = kvHeads / groups * headDim
        let rows = projection.weight.rows
        Parallel.forEachBlock(of: 32, in: tokens) { block in
            for token in block {
                for group in 0..<groups {
                    let source = scratch + token * rows + group * (queryCount + 2 * cachedCount)
                    let query = queries + token * heads * headDim + group * queryCount
                    let cached = token * kvHeads * headDim + group * cachedCount
                    query.update(from: source, count: queryCount)
                    (keys + cached).update(from: source + queryCount, count: cachedCount)
                    (values + cached).update(from: source + queryCount + cachedCount, count: cachedCount)
                }
            }
        }
    }
}
