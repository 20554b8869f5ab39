import TensorCore

/// What a generation gave, and how long it took.
public struct Generation: Sendable {
    public enum StopReason: String, Sendable {
        /// The model chose an end token; it is not among the tokens.
        case endOfText = "end_of_text"
        case tokenLimit = "token_limit"
        /// No room for another token in context or cache.
        case contextFull = "context_full"
        /// The caller asked to stop.
        case callerStopped = "caller_stopped"
    }

    public let tokens: [Int32]
    public let stopReason: StopReason
    public let prefill: Duration
    /// Time of all steps after the prompt.
    public let decode: Duration
    /// Steps after the prompt; the first token comes out of the prefill.
    public let decodeSteps: Int
}

/// Continues a prompt token by token.
public struct Generator {
    private let model: LanguageModel
    private let sampling: Sampling

    public init(model: LanguageModel, sampling: Sampling = .greedy) {
        self.model = model
        self.sampling = sampling
    }

    /// Appends `prompt` to `cache` and generates up to `maximumTokens` tokens.
    ///
    /// - Parameter onToken: sees each token as it comes; `false` stops.
    /// - Throws: `ModelError` if the prompt is empty or does not fit; what `onToken` throws.
    public func generate(
        prompt: [Int32],
        maximumTokens: Int,
        cache: any KVCache,
        onToken: (Int32) throws -> Bool = { _ in true }
    ) throws -> Generation {
        let clock = ContinuousClock()
        let start = clock.now
        let room = min(model.configuration.contextLength, cache.capacity)
        var sampler = Sampler(sampling)
        var logits = try model.forward(prompt, cache: cache, logits: .last)
        let prefilled = clock.now
        var tokens: [Int32] = []
        var reason = Generation.StopReason.tokenLimit
        while tokens.count < maximumTokens, let current = logits {
            let token = sampler.next(current.elements[...])
            if model.tokenizer.endOfTextTokens.contains(token) {
                reason = .endOfText
                break
            }
            tokens.append(token)
            guard try onToken(token) else {
                reason = .callerStopped
                break
            }
            if tokens.count == maximumTokens { break }
            guard cache.length < room else {
                reason = .contextFull
                break
            }
            logits = try model.forward([token], cache: cache, logits: .last)
        }
        return Generation(
            tokens: tokens,
            stopReason: reason,
            prefill: prefilled - start,
            decode: clock.now - prefilled,
            decodeSteps: max(0, tokens.count - (reason == .endOfText ? 0 : 1))
        )
    }
}
