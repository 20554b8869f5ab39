import Kernels

/// The layer of llama and its kin: x += attention(norm(x)); x += feedForward(norm(x)).
///
/// Gemma normalizes once more what is added.
struct PreNormBlock: DecoderBlock {
    let attentionNorm: RMSNorm
    let attention: AttentionLayer
    /// Of attention's output; most models have none.
    var attentionOutputNorm: RMSNorm?
    let feedForwardNorm: RMSNorm
    let feedForward: GatedFeedForward
    /// Of the feed-forward's output; most models have none.
    var feedForwardOutputNorm: RMSNorm?

    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws {
        let hidden = step.workspace.hidden, normed = step.workspace.normed.pointer
        attentionNorm.apply(tokens: step.tokens, hidden, into: normed)
        try attention.run(layer: layer, step: step, isOutputNeeded: isOutputNeeded)
        guard isOutputNeeded else { return }
        addChange(step, attentionOutputNorm)
        feedForwardNorm.apply(tokens: step.tokens, hidden, into: normed)
        feedForward.run(step: step)
        addChange(step, feedForwardOutputNorm)
    }

    private func addChange(_ step: ForwardStep, _ norm: RMSNorm?) {
        let change = step.workspace.change.pointer
        norm?.apply(tokens: step.tokens, change, into: change)
        step.addChange(width: attentionNorm.width)
    }
}
