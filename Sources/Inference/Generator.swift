import TensorCore

/// What a generation gave.
public struct Generation: Sendable, Equatable {
    public enum StopReason: String, Sendable, Codable {
        /// The model chose an end token; it is not among the tokens.
        case endOfText = "end_of_text"
        case tokenLimit = "token_limit"
        /// No room for another token in context or cache.
        case contextFull = "context_full"
        /// The caller asked to stop.
        case callerStopped = "caller_stopped"
    }

    public var tokens: [Int32] = []
    public var stopReason = StopReason.tokenLimit
    /// Drafts that were checked, and those that were right.
    public var drafted = 0
    public var accepted = 0
}

/// What the generations of a batch took.
public struct GenerationTimes: Sendable, Equatable {
    public var prefill = Duration.zero
    /// All steps after the prompts.
    public var decode = Duration.zero
    /// Tokens that came of those steps; the first of each sequence comes of its prompt.
    public var decodedTokens = 0
    public var promptTokens = 0
}

/// Continues prompts token by token.
public struct Generator {
    private let model: LanguageModel
    private let sampling: Sampling
    private let draftTokens: Int

    /// - Parameter draftTokens: at most so many tokens a step are guessed from what stands before and checked in one
    ///   pass (prompt lookup decoding); 0 guesses none. What is generated is the same but for rounding. One sequence
    ///   only.
    public init(model: LanguageModel, sampling: Sampling = .greedy, draftTokens: Int = 0) {
        self.model = model
        self.sampling = sampling
        self.draftTokens = draftTokens
    }

    /// Appends `prompt` to `cache` and generates up to `maximumTokens` tokens.
    ///
    /// - Parameter onToken: sees each token as it comes; `false` stops.
    /// - Throws: `ModelError` if the prompt is empty or does not fit; what `onToken` throws, when the cache holds the
    ///   prompt and all tokens that were seen but the last.
    public func generate(
        prompt: [Int32],
        maximumTokens: Int,
        cache: any KVCache,
        onToken: (Int32) throws -> Bool = { _ in true }
    ) throws -> (generation: Generation, times: GenerationTimes) {
        let (generations, times) = try generate(
            prompts: [prompt],
            maximumTokens: maximumTokens,
            caches: [cache],
            onToken: { try onToken($1) }
        )
        return (generations[0], times)
    }

    /// Appends each prompt to its cache and generates up to `maximumTokens` tokens for each, all sequences in step.
    ///
    /// A sequence that ends leaves the batch; no padding takes its place. Sequence i draws from the seed plus i.
    ///
    /// - Parameter onToken: sees the number of the sequence and each of its tokens as they come; `false` stops it.
    /// - Throws: `ModelError` if a prompt is empty or does not fit; what `onToken` throws.
    public func generate(
        prompts: [[Int32]],
        maximumTokens: Int,
        caches: [any KVCache],
        onToken: (Int, Int32) throws -> Bool = { _, _ in true }
    ) throws -> (generations: [Generation], times: GenerationTimes) {
        precondition(prompts.count == caches.count, "\(prompts.count) prompts for \(caches.count) caches")
        let clock = ContinuousClock(), start = clock.now
        var batch = GenerationBatch(model: model, sampling: sampling, maximumTokens: maximumTokens, caches: caches)
        for (index, prompt) in prompts.enumerated() {
            guard let logits = try model.forward(prompt, cache: caches[index], logits: .last) else { continue }
            try batch.take(logits.elements[...], for: index, onToken)
        }
        let prefilled = clock.now
        let first = batch.tokenCount
        if draftTokens > 0, prompts.count == 1 {
            try batch.decode(prompt: prompts[0], draftTokens: draftTokens, onToken)
        } else {
            while !batch.active.isEmpty {
                let active = batch.active
                let logits = try model.step(active.map { batch.last($0) }, caches: active.map { caches[$0] })
                for (row, index) in active.enumerated() { try batch.take(logits.row(row), for: index, onToken) }
            }
        }
        let times = GenerationTimes(
            prefill: prefilled - start,
            decode: clock.now - prefilled,
            decodedTokens: batch.tokenCount - first,
            promptTokens: prompts.reduce(0) { $0 + $1.count }
        )
        return (batch.generations, times)
    }
}

extension Tensor {
    /// The logits of one token.
    fileprivate func row(_ index: Int) -> ArraySlice<Float> {
        let width = layout.size(of: .vocabulary) ?? elements.count
        return elements[index * width..<(index + 1) * width]
    }
}

/// The sequences of a batch as they grow.
private struct GenerationBatch {
    let model: LanguageModel
    let maximumTokens: Int
    let caches: [any KVCache]
    private var samplers: [Sampler]
    private(set) var generations: [Generation]
    /// Sequences that go on, in order.
    private(set) var active: [Int]
    /// Drafts in the cache that are not known to be right.
    private var heldBack = 0

    init(model: LanguageModel, sampling: Sampling, maximumTokens: Int, caches: [any KVCache]) {
        self.model = model
        self.maximumTokens = maximumTokens
        self.caches = caches
        samplers = caches.indices.map { Sampler(sampling.stream($0)) }
        generations = caches.map { _ in Generation() }
        active = maximumTokens > 0 ? Array(caches.indices) : []
    }

    var tokenCount: Int { generations.reduce(0) { $0 + $1.tokens.count } }

    func last(_ index: Int) -> Int32 { generations[index].tokens[generations[index].tokens.count - 1] }

    /// Chooses a sequence's next token from its logits, and ends the sequence if that was its last.
    mutating func take(
        _ logits: ArraySlice<Float>,
        for index: Int,
        _ onToken: (Int, Int32) throws -> Bool
    ) throws {
        guard active.contains(index) else { return }
        let token = samplers[index].next(logits)
        if model.tokenizer.endOfTextTokens.contains(token) { return end(index, .endOfText) }
        generations[index].tokens.append(token)
        guard try onToken(index, token) else { return end(index, .callerStopped) }
        if generations[index].tokens.count == maximumTokens { return end(index, .tokenLimit) }
        // The token that was chosen must still go in.
        let room = min(model.configuration.contextLength, caches[index].capacity)
        if caches[index].length - heldBack >= room { return end(index, .contextFull) }
    }

    private mutating func end(_ index: Int, _ reason: Generation.StopReason) {
        generations[index].stopReason = reason
        active.removeAll { $0 == index }
    }

    // MARK: - Drafts

    /// Steps of one sequence that check what stood after the last occurrence of the newest tokens.
    ///
    /// Source: Saxena, "Prompt Lookup Decoding" (2023); acceptance keeps what the sampler would have chosen anyway.
    mutating func decode(
        prompt: [Int32],
        draftTokens: Int,
        _ onToken: (Int, Int32) throws -> Bool
    ) throws {
        let cache = caches[0]
        var lookup = PromptLookup(prompt)
        var known = 0
        while !active.isEmpty {
            lookup.append(generations[0].tokens[known...])
            known = generations[0].tokens.count
            let held = cache.length, room = min(model.configuration.contextLength, cache.capacity) - held - 1
            let draft = lookup.draft(atMost: min(draftTokens, room, maximumTokens - known - 1))
            guard
                let logits = try model.forward([last(0)] + draft, cache: cache, logits: .all, settles: draft.isEmpty)
            else { return }
            generations[0].drafted += draft.count
            var right = 0
            do {
                while true {
                    // Of what the cache holds, all after the drafts found right does not count.
                    heldBack = draft.count - right
                    try take(logits.row(right), for: 0, onToken)
                    guard !active.isEmpty, right < draft.count, draft[right] == last(0) else { break }
                    right += 1
                    generations[0].accepted += 1
                }
            } catch {
                // Whoever goes on with this cache must not find drafts in it that nobody took.
                try cache.truncate(to: held + 1 + right)
                try? cache.settle()
                throw error
            }
            heldBack = 0
            if !draft.isEmpty {
                try cache.truncate(to: held + 1 + right)
                try cache.settle()
            }
        }
    }
}
