/// What brings the channels of a token to one size before a layer reads them.
protocol Normalization: Sendable {
    /// Channels.
    var width: Int { get }

    /// Normalizes `[token, width]` rows; `output` may be `input`.
    func apply(tokens: Int, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>)
}
