import Kernels

/// A whole network as an architecture assembles it: embedding, layers, final norm, output.
struct Decoder: Sendable {
    /// `[vocabulary, width]`.
    let embedding: WeightMatrix
    /// Factor on what the embedding gives.
    var embeddingScale: Float = 1
    let blocks: [any DecoderBlock]
    let finalNorm: any Normalization
    /// `[vocabulary, width]`; the embedding itself where the two are tied.
    let output: WeightMatrix

    /// Writes the residual stream of tokens, `[token, width]`.
    func embed(_ tokens: [Int32], into hidden: UnsafeMutablePointer<Float>) {
        for (row, token) in tokens.enumerated() {
            embedding.dequantizeRow(Int(token), into: hidden + row * embedding.columns)
        }
        if embeddingScale != 1 {
            VectorMath.scale(by: embeddingScale, hidden, count: tokens.count * embedding.columns)
        }
    }

    /// Logits of `rows` of the block that has run, `[token, vocabulary]`.
    func logits(rows: Range<Int>, workspace: Workspace, into target: UnsafeMutablePointer<Float>) {
        let hidden = workspace.hidden + rows.lowerBound * finalNorm.width
        logits(tokens: rows.count, hidden: hidden, normed: workspace.normed.pointer, into: target)
    }

    /// Logits of what came out of the last layer, `[token, width]`; `normed` is scratch of as many floats.
    func logits(
        tokens: Int,
        hidden: UnsafePointer<Float>,
        normed: UnsafeMutablePointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) {
        finalNorm.apply(tokens: tokens, hidden, into: normed)
        output.multiply(tokens: tokens, input: normed, into: target)
    }
}
