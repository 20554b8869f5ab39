import Kernels

/// Rotary self-attention with grouped queries over the step's cache, and the points where taps see it.
struct AttentionLayer: Sendable {
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    let input: AttentionInput
    /// Over the channels of each head, before RoPE; most models have none.
    var queryNorm: RMSNorm?
    var keyNorm: RMSNorm?
    /// Factor on scores.
    let scale: Float
    /// What of the sequence this layer sees, and how it turns.
    let reach: AttentionReach
    let output: Projection

    /// Fills the cache from `workspace.normed` and, if the output is needed, writes it to `workspace.change`.
    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws {
        let workspace = step.workspace, tokens = step.tokens
        let queries = workspace.query.pointer, keys = workspace.key.pointer, values = workspace.value.pointer
        let areQueriesNeeded = isOutputNeeded || (step.tap?.wants(.query, layer: layer) ?? false)
        input.apply(step: step, areQueriesNeeded: areQueriesNeeded)
        keyNorm?.apply(tokens: tokens * kvHeads, keys, into: keys)

        try show(.keyPreRope, keys, heads: kvHeads, layer: layer, step: step)
        rotate(keys, heads: kvHeads, step: step)
        try show(.key, keys, heads: kvHeads, layer: layer, step: step)
        try show(.value, values, heads: kvHeads, layer: layer, step: step)
        if areQueriesNeeded {
            queryNorm?.apply(tokens: tokens * heads, queries, into: queries)
            rotate(queries, heads: heads, step: step)
            try show(.query, queries, heads: heads, layer: layer, step: step)
        }
        let cachedWidth = kvHeads * headDim * step.rows
        for (index, cache) in step.caches.enumerated() {
            let place = index * cachedWidth
            try cache.append(
                layer: layer,
                tokens: step.rows,
                keys: keys + place,
                values: values + place,
                settles: step.settles
            )
        }
        guard isOutputNeeded else { return }
        Attention.causal(
            queries: queries,
            rows: step.rows,
            sequences: step.caches.map { $0.sequence(layer: layer) },
            shape: Attention.Shape(heads: heads, kvHeads: kvHeads, channels: headDim),
            accuracy: step.caches[0].accuracy,
            scale: scale,
            window: reach.window,
            into: workspace.attended.pointer
        )
        output.apply(tokens: tokens, workspace.attended.pointer, into: workspace.change.pointer)
    }

    private func rotate(_ channels: UnsafeMutablePointer<Float>, heads: Int, step: ForwardStep) {
        step.rotations[reach.rotation].rotate(
            channels,
            tokens: step.tokens,
            heads: heads,
            headStride: headDim,
            tokenStride: heads * headDim
        )
    }

    private func show(
        _ tensor: CapturedTensor,
        _ values: UnsafePointer<Float>,
        heads: Int,
        layer: Int,
        step: ForwardStep
    ) throws {
        guard let tap = step.tap, tap.wants(tensor, layer: layer) else { return }
        try tap.record(
            tensor,
            layer: layer,
            firstToken: step.firstPosition,
            tokens: step.tokens,
            heads: heads,
            headDim: headDim,
            values: values
        )
    }
}
