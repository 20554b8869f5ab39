/// A tensor that an error study reads.
package enum AttentionTensor: String, Sendable, CaseIterable {
    case query
    case key
    case value
}

/// Where keys, values and queries come from: a capture file, or a test's arrays.
package protocol AttentionSource {
    var layers: [Int] { get }
    /// Query heads.
    var heads: Int { get }
    var kvHeads: Int { get }
    var headDim: Int { get }
    var tensors: Set<AttentionTensor> { get }
    /// Token ranges of the prompts, each of which attends to itself only.
    var sequences: [Range<Int>] { get }
    /// float16 bits `[token, head, channel]`.
    func half(_ tensor: AttentionTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16]
}
