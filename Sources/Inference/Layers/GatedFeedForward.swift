import Kernels

/// SwiGLU: down(silu(gate(x)) · up(x)). Source: Shazeer, "GLU Variants Improve Transformer" (2020).
struct GatedFeedForward: Sendable {
    let gate: Projection
    let up: Projection
    let down: Projection

    /// From `workspace.normed` into `workspace.change`.
    func run(step: ForwardStep) {
        let workspace = step.workspace, tokens = step.tokens
        let gated = workspace.gate.pointer, raised = workspace.up.pointer
        Projection.apply(tokens: tokens, workspace.normed.pointer, [(gate, gated), (up, raised)])
        VectorMath.siluMultiply(gate: gated, up: raised, into: gated, count: tokens * gate.weight.rows)
        down.apply(tokens: tokens, gated, into: workspace.change.pointer)
    }
}
