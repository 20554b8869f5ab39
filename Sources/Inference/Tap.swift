/// The tensors a tap can see, at the same named points in every architecture.
///
/// Values are `[token, head, channel]`; channels are in the original model's
/// order whatever the file format.
public enum CapturedTensor: String, Sendable, CaseIterable, Codable {
    /// Queries after RoPE, `[token, head, channel]`.
    case query
    /// Keys after RoPE, what a cache holds, `[token, kv_head, channel]`.
    case key
    /// Keys before RoPE, after bias, `[token, kv_head, channel]`.
    case keyPreRope = "key_pre_rope"
    /// Values, `[token, kv_head, channel]`.
    case value
}

/// Sees tensors during inference.
public protocol Tap: AnyObject {
    /// Whether `record` should be called for this tensor of this layer.
    func wants(_ tensor: CapturedTensor, layer: Int) -> Bool

    /// Takes `tokens × heads × headDim` contiguous values of tokens `firstToken...`.
    ///
    /// The pointer is valid only during the call.
    func record(
        _ tensor: CapturedTensor,
        layer: Int,
        firstToken: Int,
        tokens: Int,
        heads: Int,
        headDim: Int,
        values: UnsafePointer<Float>
    ) throws
}
