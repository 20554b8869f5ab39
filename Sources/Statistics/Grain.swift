/// What one row of statistics describes.
public enum Grain: String, Sendable, Codable, CaseIterable {
    /// One channel of one head over all tokens.
    case channel
    /// One token of one head over its channels.
    case token
    /// One head over all tokens and channels.
    case head
    /// A layer's whole tensor.
    case layer
}
