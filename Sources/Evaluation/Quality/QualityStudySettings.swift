import Inference

/// What a quality study measures, and on which tokens.
public struct QualityStudySettings: Sendable, Equatable {
    /// Whether a window's tokens come one block after the other, or at once.
    public enum Mode: String, Sendable, CaseIterable, Codable {
        /// What is not scored is a prompt, exact to itself; the rest comes in blocks, each of which sees the tokens
        /// before it as the cache holds them and itself in full precision. Generation does this a token at a time.
        case exact
        /// The whole window at once, all of which sees the cache as it is after packing.
        case inPlace = "in-place"
    }

    public var caches: [CacheSpecification]
    /// Tokens of a window.
    public var window = 512
    /// Tokens from the beginning of one window to that of the next.
    public var stride: Int?
    public var scoring = Perplexity.Scoring.secondHalf
    public var maximumWindows: Int?
    public var mode = Mode.exact
    /// Tokens that come together in mode `exact`.
    public var blockTokens = 32
    /// Whether to compare with a float32 cache, or only to score.
    public var isCompared = true

    /// Windows that go through the model together.
    static let windowsTogether = 4

    public init(caches: [CacheSpecification]) { self.caches = caches }

    /// - Throws: `ModelError.invalidSetting`, `ModelError.textTooShort`.
    func windows(of tokenCount: Int) throws -> [Int] {
        guard window >= 2 else {
            throw ModelError.invalidSetting(name: "window", value: "\(window)", expected: "at least 2 tokens")
        }
        guard blockTokens >= 1 else {
            throw ModelError.invalidSetting(name: "block", value: "\(blockTokens)", expected: "at least 1 token")
        }
        let step = stride ?? window
        guard step >= 1 else {
            throw ModelError.invalidSetting(name: "stride", value: "\(step)", expected: "at least 1 token")
        }
        guard tokenCount >= window else { throw ModelError.textTooShort(tokens: tokenCount, window: window) }
        return Array(Swift.stride(from: 0, through: tokenCount - window, by: step).prefix(maximumWindows ?? .max))
    }

    /// The first token of a window after which the next one is scored.
    var firstScored: Int { scoring == .all ? 0 : window / 2 }
}
