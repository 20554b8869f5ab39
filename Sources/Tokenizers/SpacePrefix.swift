/// Whether a space is put before a text, so that its first word is spelled as in the middle of one.
public struct SpacePrefix: Sendable, Equatable {
    public enum Place: Sendable {
        case never
        /// Only at the beginning of the text.
        case beginning
        /// There, and behind each special token.
        case everySegment
    }

    public let place: Place
    /// Whether a space that is there already will do. SentencePiece adds one all the same, so that nothing is lost.
    public let onlyIfMissing: Bool

    public init(_ place: Place, onlyIfMissing: Bool = false) {
        self.place = place
        self.onlyIfMissing = onlyIfMissing
    }
}
