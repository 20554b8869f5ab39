/// down(f(up(x))), as in the first transformers.
struct PlainFeedForward: Sendable {
    let up: Projection
    let down: Projection
    let activation: Activation

    /// From `workspace.normed` into `workspace.change`.
    func run(step: ForwardStep) {
        let workspace = step.workspace, raised = workspace.up.pointer
        up.apply(tokens: step.tokens, workspace.normed.pointer, into: raised)
        activation.apply(raised, count: step.tokens * up.weight.rows)
        down.apply(tokens: step.tokens, raised, into: workspace.change.pointer)
    }
}
