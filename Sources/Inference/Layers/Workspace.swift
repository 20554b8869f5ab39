/// The activations of one block of tokens, reused by all layers.
final class Workspace {
    let tokens: Int
    /// The residual stream of the block in hand, `[token, width]`; whoever runs the layers keeps it.
    var hidden: UnsafeMutablePointer<Float>
    /// `hidden` after a norm, `[token, width]`.
    let normed: FloatBuffer
    /// What a projection adds to the residual stream, `[token, width]`.
    let change: FloatBuffer
    /// `[token, head, channel]`.
    let query: FloatBuffer
    /// `[token, kv_head, channel]`.
    let key: FloatBuffer
    /// `[token, kv_head, channel]`.
    let value: FloatBuffer
    /// Attention's output, `[token, head, channel]`.
    let attended: FloatBuffer
    /// `[token, feed-forward channel]`.
    let gate: FloatBuffer
    /// `[token, feed-forward channel]`.
    let up: FloatBuffer
    /// Outputs of a matrix of queries, keys and values together; made for models that have one.
    private(set) lazy var fused = FloatBuffer(count: fusedCount)
    private let fusedCount: Int

    init(tokens: Int, hidden: UnsafeMutablePointer<Float>, configuration: ModelConfiguration) {
        let attentionWidth = configuration.heads * configuration.headDim
        let cachedWidth = configuration.kvHeads * configuration.headDim
        self.tokens = tokens
        self.hidden = hidden
        normed = FloatBuffer(count: tokens * configuration.width)
        change = FloatBuffer(count: tokens * configuration.width)
        query = FloatBuffer(count: tokens * attentionWidth)
        key = FloatBuffer(count: tokens * cachedWidth)
        value = FloatBuffer(count: tokens * cachedWidth)
        attended = FloatBuffer(count: tokens * attentionWidth)
        gate = FloatBuffer(count: tokens * configuration.feedForwardWidth)
        up = FloatBuffer(count: tokens * configuration.feedForwardWidth)
        fusedCount = tokens * (attentionWidth + 2 * cachedWidth)
    }
}
