import Kernels

/// The layer of llama and its kin: x += attention(norm(x)); x += feedForward(norm(x)).
struct PreNormBlock: DecoderBlock {
    let attentionNorm: RMSNorm
    let attention: AttentionLayer
    let feedForwardNorm: RMSNorm
    let feedForward: GatedFeedForward

    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws {
        let hidden = step.workspace.hidden, normed = step.workspace.normed.pointer
        attentionNorm.apply(tokens: step.tokens, hidden, into: normed)
        try attention.run(layer: layer, step: step, isOutputNeeded: isOutputNeeded)
        guard isOutputNeeded else { return }
        addChange(step)
        feedForwardNorm.apply(tokens: step.tokens, hidden, into: normed)
        feedForward.run(step: step)
        addChange(step)
    }

    private func addChange(_ step: ForwardStep) {
        let hidden = step.workspace.hidden, change = step.workspace.change.pointer
        VectorMath.add(change, into: hidden, count: step.tokens * attentionNorm.weight.count)
    }
}
