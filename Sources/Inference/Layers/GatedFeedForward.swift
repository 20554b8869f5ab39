import Kernels

/// down(f(gate(x)) · up(x)). Source: Shazeer, "GLU Variants Improve Transformer" (2020).
struct GatedFeedForward: Sendable {
    let gate: Projection
    let up: Projection
    let down: Projection
    var activation = Activation.silu

    /// From `workspace.normed` into `workspace.change`.
    func run(step: ForwardStep) {
        let workspace = step.workspace, tokens = step.tokens
        let gated = workspace.gate.pointer, raised = workspace.up.pointer
        Projection.apply(tokens: tokens, workspace.normed.pointer, [(gate, gated), (up, raised)])
        activation.multiply(gate: gated, up: raised, count: tokens * gate.weight.rows)
        down.apply(tokens: tokens, gated, into: workspace.change.pointer)
    }
}
