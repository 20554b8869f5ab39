import Kernels

/// A whole network as an architecture assembles it: embedding, layers, final norm, output.
struct Decoder: Sendable {
    /// `[vocabulary, width]`.
    let embedding: WeightMatrix
    let blocks: [any DecoderBlock]
    let finalNorm: RMSNorm
    /// `[vocabulary, width]`; the embedding itself where the two are tied.
    let output: WeightMatrix

    /// Writes the residual stream of tokens, `[token, width]`.
    func embed(_ tokens: [Int32], into hidden: UnsafeMutablePointer<Float>) {
        for (row, token) in tokens.enumerated() {
            embedding.dequantizeRow(Int(token), into: hidden + row * embedding.columns)
        }
    }

    /// Logits of `rows` of the block that has run, `[token, vocabulary]`.
    func logits(rows: Range<Int>, workspace: Workspace, into target: UnsafeMutablePointer<Float>) {
        let hidden = workspace.hidden + rows.lowerBound * finalNorm.weight.count
        finalNorm.apply(tokens: rows.count, hidden, into: workspace.normed.pointer)
        output.multiply(tokens: rows.count, input: workspace.normed.pointer, into: target)
    }
}
