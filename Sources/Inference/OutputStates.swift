/// What came out of a model's last layer for some tokens: their logits, before norm and output projection.
///
/// A token takes `width` floats of it, where logits take one for each token of the vocabulary.
public final class OutputStates {
    /// Tokens.
    public let count: Int
    let width: Int
    private let values: FloatBuffer

    init(count: Int, width: Int) {
        self.count = count
        self.width = width
        values = FloatBuffer(count: count * width)
    }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { values.pointer + index * width }

    /// Takes some rows of a block's residual stream.
    func fill(from first: Int, rows: Range<Int>, of hidden: UnsafePointer<Float>) {
        row(first).update(from: hidden + rows.lowerBound * width, count: rows.count * width)
    }
}
