import Kernels

/// Sizes that a cache and the model it serves share.
public struct CacheShape: Sendable, Hashable {
    public let layers: Int
    public let kvHeads: Int
    /// Query heads that read each key/value head.
    public let queriesPerHead: Int
    public let headDim: Int
    /// How the model turns its keys; `nil` if nobody has to know.
    public let layout: AttentionLayout?

    public init(layers: Int, kvHeads: Int, queriesPerHead: Int, headDim: Int, layout: AttentionLayout? = nil) {
        self.layout = layout
        self.layers = layers
        self.kvHeads = kvHeads
        self.queriesPerHead = queriesPerHead
        self.headDim = headDim
    }

    public var heads: Int { kvHeads * queriesPerHead }

    var attention: Attention.Shape { Attention.Shape(heads: heads, kvHeads: kvHeads, channels: headDim) }
}

/// The contract between a decoder and its memory: what it remembers of one sequence.
///
/// A batch is several caches; they need not have the same length, and no padding exists. In each forward step every
/// layer appends its new tokens, then attention reads ``sequence(layer:)``, then the layer settles: what has left a
/// cache's window is packed. So tokens that come together, a prompt say, see each other in full precision.
public protocol KVCache: AnyObject {
    var shape: CacheShape { get }
    /// Tokens that fit.
    var capacity: Int { get }
    /// Tokens that every layer holds.
    var length: Int { get }
    /// What the held keys and values take.
    var bytes: CacheBytes { get }
    /// How products with packed codes are made.
    var accuracy: Attention.Accuracy { get }

    /// The most that a cache like this takes over its life: an upper bound, a few pages above what it is.
    ///
    /// Of one sequence that begins with a prompt, in one pass, goes on to a length and may be cut, to no less than the
    /// prompt, and go on again. Pages that forks copy come on top.
    ///
    /// - Parameters:
    ///   - prompt: tokens that come first.
    ///   - capacity: the length that the sequence grows to.
    ///   - step: tokens that come together after the prompt: one, and drafts.
    func peak(prompt: Int, capacity: Int, step: Int) -> CachePeak

    /// Adds keys (after RoPE) and values, both `[token, kv_head, channel]`, to one layer.
    ///
    /// - Parameter settles: if not, nothing is packed, even where attention should read what is left after packing.
    /// - Throws: `ModelError.cacheFull` if they do not fit, `KernelError.outOfMemory`.
    func append(
        layer: Int,
        tokens: Int,
        keys: UnsafePointer<Float>,
        values: UnsafePointer<Float>,
        settles: Bool
    ) throws

    /// The cache of a layer as attention reads it, valid until the layer changes.
    func sequence(layer: Int) -> Attention.SequenceCache

    /// Packs what has left the window.
    ///
    /// - Throws: `KernelError.outOfMemory`; what is not packed yet then stays in the window.
    func settle(layer: Int) throws

    /// Forgets all tokens from `length` on; longer than what is held changes nothing.
    ///
    /// - Throws: `KernelError.outOfMemory` where a page must be shared no longer or a cut group goes back to the window,
    ///   and cannot. Some layers are then cut and others not; cutting again goes on.
    func truncate(to length: Int) throws

    /// A cache with the same tokens; both share memory until one of them writes to it.
    func fork() throws -> any KVCache
}

extension KVCache {
    func checkRoom(layer held: Int, tokens: Int) throws {
        guard held + tokens <= capacity else {
            throw ModelError.cacheFull(held: held, added: tokens, capacity: capacity)
        }
    }

    /// Adds tokens that stay.
    public func append(
        layer: Int,
        tokens: Int,
        keys: UnsafePointer<Float>,
        values: UnsafePointer<Float>
    ) throws {
        try append(layer: layer, tokens: tokens, keys: keys, values: values, settles: true)
    }

    /// Settles every layer.
    public func settle() throws {
        for layer in 0..<shape.layers { try settle(layer: layer) }
    }
}

extension Array where Element == any KVCache {
    /// The caches that continue `parents`, as beam search wants: the first use of a parent takes it over, further
    /// ones fork it.
    ///
    /// - Throws: what forking throws.
    /// - Precondition: parents are indices of caches.
    public func reordered(_ parents: [Int]) throws -> [any KVCache] {
        var used: Set<Int> = []
        // All forks are made before the first cache goes on.
        return try parents.map { used.insert($0).inserted ? self[$0] : try self[$0].fork() }
    }
}
