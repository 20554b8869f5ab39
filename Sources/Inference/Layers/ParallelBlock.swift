/// The layer of falcon: x += attention(norm(x)) + feedForward(norm(x)), both of the same x.
///
/// Source: Almazrouei et al., "The Falcon Series of Open Language Models" (2023), §3.4.2; the form is GPT-J's.
struct ParallelBlock: DecoderBlock {
    let attentionNorm: LayerNorm
    let attention: AttentionLayer
    /// Attention's if there is none.
    let feedForwardNorm: LayerNorm?
    let feedForward: PlainFeedForward

    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws {
        let hidden = step.workspace.hidden, normed = step.workspace.normed.pointer
        attentionNorm.apply(tokens: step.tokens, hidden, into: normed)
        try attention.run(layer: layer, step: step, isOutputNeeded: isOutputNeeded)
        guard isOutputNeeded else { return }
        // Before attention's output changes what it reads.
        feedForwardNorm?.apply(tokens: step.tokens, hidden, into: normed)
        step.addChange(width: attentionNorm.width)
        feedForward.run(step: step)
        step.addChange(width: attentionNorm.width)
    }
}
