import Kernels

/// A whole network as an architecture assembles it: embedding, layers, final norm, output.
struct Decoder: Sendable {
    /// `[vocabulary, width]`.
    let embedding: WeightMatrix
    let blocks: [any DecoderBlock]
    let finalNorm: RMSNorm
    /// `[vocabulary, width]`; the embedding itself where the two are tied.
    let output: WeightMatrix

    /// Runs one block of tokens through all layers.
    ///
    /// - Parameter isOutputNeeded: if not, the last layer stops after its taps.
    func run(_ tokens: ArraySlice<Int32>, step: ForwardStep, isOutputNeeded: Bool) throws {
        for (row, token) in tokens.enumerated() {
            embedding.dequantizeRow(Int(token), into: step.workspace.hidden.pointer + row * embedding.columns)
        }
        for (layer, block) in blocks.enumerated() {
            let isLast = layer == blocks.count - 1
            try block.run(layer: layer, step: step, isOutputNeeded: isOutputNeeded || !isLast)
        }
    }

    /// Logits of `rows` of the block that has run, `[token, vocabulary]`.
    func logits(rows: Range<Int>, workspace: Workspace, into target: UnsafeMutablePointer<Float>) {
        let hidden = workspace.hidden.pointer + rows.lowerBound * finalNorm.weight.count
        finalNorm.apply(tokens: rows.count, hidden, into: workspace.normed.pointer)
        output.multiply(tokens: rows.count, input: workspace.normed.pointer, into: target)
    }
}
