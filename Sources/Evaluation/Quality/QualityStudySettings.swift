import Inference
import Kernels

/// What a quality study measures, and on which tokens.
public struct QualityStudySettings: Sendable, Equatable {
    /// Whether a window's tokens come one block after the other, or at once.
    public enum Mode: String, Sendable, CaseIterable, Codable {
        /// What is not scored is a prompt, exact to itself; the rest comes in blocks, each of which sees the tokens
        /// before it as the cache holds them and itself in full precision. Generation does this a token at a time.
        case exact
        /// The window at once, as a prompt that is packed before it is read. It goes through a layer 512 tokens after
        /// the other, so a token of a longer window sees the cache as it is when its own 512 are packed.
        case inPlace = "in-place"

        /// What caches must do with tokens that come together.
        public var prefill: PackedCacheFormat.Prefill { self == .exact ? .exact : .inPlace }
    }

    /// Which tokens of a window count.
    public enum Scoring: String, Sendable, CaseIterable, Codable {
        /// Tokens that have at least half a window before them: 257 … 511 of 512, as llama.cpp scores.
        case secondHalf = "second-half"
        /// All but the first.
        case all
    }

    /// Their ``CacheSpecification/prefill`` is that of the mode.
    public var caches: [CacheSpecification]
    /// Tokens of a window.
    public var window = 512
    /// Tokens from the beginning of one window to that of the next.
    public var stride: Int?
    public var scoring = Scoring.secondHalf
    public var maximumWindows: Int?
    public var mode = Mode.exact
    /// Tokens that come together in mode `exact`. Up to 64 products with codes are made as in generation.
    public var blockTokens = 32
    /// Whether to compare with a float32 cache, or only to score.
    public var isCompared = true

    public init(caches: [CacheSpecification]) { self.caches = caches }

    /// Refuses windows that a model cannot hold.
    ///
    /// - Throws: `ModelError.invalidSetting`.
    public func validate(for model: LanguageModel) throws {
        let context = model.configuration.contextLength
        guard window > context else { return }
        throw ModelError.invalidSetting(
            name: "window",
            value: "\(window) tokens",
            expected: "at most the model's context of \(context) tokens"
        )
    }

    /// Refuses what cannot be done, or would be done otherwise than asked for.
    ///
    /// - Throws: `ModelError.invalidSetting`.
    public func validate() throws {
        func refuse(_ name: String, _ value: String, _ expected: String) throws -> Never {
            throw ModelError.invalidSetting(name: name, value: value, expected: expected)
        }
        guard window - 1 > firstScored else {
            let least = scoring == .all ? 2 : 3
            try refuse(
                "window",
                "\(window), of which scoring '\(scoring.rawValue)' scores no token",
                "at least \(least) tokens"
            )
        }
        for (name, value) in [
            ("block", blockTokens), ("stride", stride ?? window), ("number of windows", maximumWindows ?? 1),
        ] where value < 1 {
            try refuse(name, "\(value)", "at least 1")
        }
        for cache in caches {
            if let prefill = cache.prefill, prefill != mode.prefill {
                try refuse(
                    "prefill of '\(cache.id)'",
                    "'\(prefill.rawValue)' in mode '\(mode.rawValue)'",
                    "'\(mode.prefill.rawValue)', which is what the mode means"
                )
            }
            if cache.order == .beforeAttention, !hasSteps {
                try refuse(
                    "order of '\(cache.id)'",
                    "'\(PackedCacheFormat.Order.beforeAttention.rawValue)'",
                    "blocks of 1 token, since it says when a step of one token packs and there is none"
                )
            }
        }
    }

    /// Where windows begin.
    /// - Throws: `ModelError.invalidSetting`, `ModelError.textTooShort`.
    func windows(of tokenCount: Int) throws -> [Int] {
        try validate()
        guard tokenCount >= window else { throw ModelError.textTooShort(tokens: tokenCount, window: window) }
        let starts = Swift.stride(from: 0, through: tokenCount - window, by: stride ?? window)
        return Array(starts.prefix(maximumWindows ?? .max))
    }

    /// The first token of a window after which the next one is scored.
    var firstScored: Int { scoring == .all ? 0 : window / 2 }

    /// Windows that go through the model together. In-place windows are prompts, which go one by one.
    var windowsTogether: Int { mode == .inPlace ? 1 : 4 }

    /// The tokens of a window that come together, in order. The window's last token is only predicted.
    var blocks: [Range<Int>] {
        let read = window - 1
        if mode == .inPlace { return [0..<read] }
        let prompt = firstScored > 0 ? [0..<firstScored] : []
        return prompt
            + Swift.stride(from: firstScored, to: read, by: blockTokens).map { $0..<min($0 + blockTokens, read) }
    }

    // MARK: - What was done

    /// Whether tokens come alone.
    var hasSteps: Bool { blocks.contains { $0.count % LanguageModel.tokensPerBlock == 1 } }

    /// When a cache packed in steps of one token; `nil` if there were none.
    func order(of cache: CacheSpecification) -> String? { hasSteps ? cache.order?.rawValue : nil }

    /// How a cache's products with codes were made for scored tokens: `fast` ones only where few came together.
    func accuracy(of cache: CacheSpecification) -> String? {
        guard let accuracy = cache.accuracy else { return nil }
        let scored = blocks.filter { $0.upperBound > firstScored }.flatMap { block in
            mode == .exact
                ? [block.count]
                : Swift.stride(from: 0, to: block.count, by: LanguageModel.tokensPerBlock).map {
                    min(block.count - $0, LanguageModel.tokensPerBlock)
                }
        }
        let made = Set(
            scored.map { $0 <= Attention.mostRowsOfFastProducts ? accuracy : .exact }.map { $0.rawValue }
        )
        return made.sorted().joined(separator: "+")
    }
}
