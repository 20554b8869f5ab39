/// The sizes and constants of a model, as its file's metadata state them.
public struct ModelConfiguration: Sendable, Equatable {
    /// How RoPE pairs the channels of a head, in the channel order that taps see.
    public enum RopeLayout: String, Sendable, Codable {
        /// Channel i turns with channel i + headDim/2, as in the original checkpoints.
        case halves
    }

    public let architecture: String
    /// The file's own name for the model; the architecture's if it has none.
    public let name: String
    public let layers: Int
    public let heads: Int
    public let kvHeads: Int
    public let headDim: Int
    /// Channels of the residual stream.
    public let width: Int
    public let feedForwardWidth: Int
    /// Tokens.
    public let contextLength: Int
    public let vocabularySize: Int
    public let normEpsilon: Float
    public let ropeLayout: RopeLayout
    public internal(set) var attention: AttentionLayout
    /// What the file leaves out and its user should know; `nil` for most.
    public internal(set) var notice: String?

    public var cacheShape: CacheShape {
        CacheShape(
            layers: layers,
            kvHeads: kvHeads,
            queriesPerHead: heads / kvHeads,
            headDim: headDim,
            layout: attention
        )
    }

    /// Base of the rotation of layers that see the whole context.
    public var ropeBase: Double { attention.rotations[0].base }
}
