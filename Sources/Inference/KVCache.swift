/// Sizes that a cache and the model it serves share.
public struct CacheShape: Sendable, Hashable {
    public let layers: Int
    public let kvHeads: Int
    /// Query heads that read each key/value head.
    public let queriesPerHead: Int
    public let headDim: Int

    public init(layers: Int, kvHeads: Int, queriesPerHead: Int, headDim: Int) {
        self.layers = layers
        self.kvHeads = kvHeads
        self.queriesPerHead = queriesPerHead
        self.headDim = headDim
    }

    public var heads: Int { kvHeads * queriesPerHead }
}

/// What a decoder remembers of one sequence, and how it is read.
///
/// A cache attends itself, so that a packed one can do so without unpacking. In
/// each forward step every layer appends once and then attends at most once.
public protocol KVCache: AnyObject {
    var shape: CacheShape { get }
    /// Tokens that fit.
    var capacity: Int { get }
    /// Tokens that every layer holds.
    var length: Int { get }
    /// Bytes that the held keys and values take, with all that is needed to read them.
    var byteCount: Int { get }

    /// Adds keys (after RoPE) and values, both `[token, kv_head, channel]`, to one layer.
    ///
    /// - Throws: `ModelError.cacheFull` if they do not fit.
    func append(layer: Int, tokens: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>) throws

    /// Causal attention of the `tokens` newest tokens of `layer`: softmax(q·k / √headDim)·v.
    ///
    /// - Parameters:
    ///   - queries: after RoPE, `[token, head, channel]`.
    ///   - output: `[token, head, channel]`.
    func attend(layer: Int, tokens: Int, queries: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>)

    /// Forgets all tokens from `length` on; longer than what is held changes nothing.
    func truncate(to length: Int)
}
