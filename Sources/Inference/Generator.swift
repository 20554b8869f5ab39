import TensorCore

/// What a generation gave.
public struct Generation: Sendable, Equatable {
    public enum StopReason: String, Sendable, Codable {
        /// The model chose an end token; it is not among the tokens.
        case endOfText = "end_of_text"
        case tokenLimit = "token_limit"
        /// No room for another token in context or cache.
        case contextFull = "context_full"
        /// The caller asked to stop, perhaps before the first token.
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
    /// Of prompts that were read to their end.
    public var promptTokens = 0
}

/// Continues prompts token by token.
///
/// What is generated from a cache in full precision is the same bit for bit whether a sequence goes alone or in a batch
/// of up to 11, and whether drafts of up to 10 tokens are checked or none. In larger batches, with longer drafts, and
/// where a prompt was put into the cache in parts (of which those of up to 11 tokens equal single ones bit for bit),
/// logits are the same but for the rounding of float32 sums; a greedy text then differs only where two tokens are as
/// likely as each other to six digits.
///
/// A packed cache is packed the same in any batch; drafts and the parts of a prompt see themselves in full precision, so
/// that they decide what is packed when.
public struct Generator {
    private let model: LanguageModel
    private let sampling: Sampling
    private let draftTokens: Int
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - draftTokens: at most so many tokens a step are guessed from what stands before and checked in one pass
    ///     (prompt lookup decoding); 0 guesses none. One sequence only.
    ///   - isCancelled: asked before each block of each layer, in prompts and steps alike. Once true, no further token
    ///     is made, and sequences that had not ended stop as the caller's wish, with the tokens that they have.
    public init(
        model: LanguageModel,
        sampling: Sampling = .greedy,
        draftTokens: Int = 0,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.model = model
        self.sampling = sampling
        self.draftTokens = draftTokens
        self.isCancelled = isCancelled
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
    /// A sequence that ends leaves the batch; no padding takes its place. Sequence i draws from the seed plus
    /// `firstStream` plus i.
    ///
    /// - Parameter onToken: sees the number of the sequence and each of its tokens as they come; `false` stops it.
    /// - Throws: `ModelError` if a prompt is empty or does not fit; what `onToken` throws.
    public func generate(
        prompts: [[Int32]],
        maximumTokens: Int,
        caches: [any KVCache],
        firstStream: Int = 0,
        onToken: (Int, Int32) throws -> Bool = { _, _ in true }
    ) throws -> (generations: [Generation], times: GenerationTimes) {
        precondition(prompts.count == caches.count, "\(prompts.count) prompts for \(caches.count) caches")
        var batch = GenerationBatch(
            model: model,
            samplers: caches.indices.map { Sampler(sampling.stream(firstStream + $0)) },
            maximumTokens: maximumTokens,
            caches: caches
        )
        var prefill = Duration.zero, decode = Duration.zero
        var promptTokens = 0
        var firstTokens: Int?
        do {
            try Self.timing(&prefill) {
                for (index, prompt) in prompts.enumerated() {
                    let logits = try model.forward(prompt, cache: caches[index], logits: .last, checkpoint: checkpoint)
                    promptTokens += prompt.count
                    if let logits { try batch.take(logits.elements[...], for: index, onToken) }
                }
            }
            firstTokens = batch.tokenCount
            try Self.timing(&decode) {
                if draftTokens > 0, prompts.count == 1 {
                    try batch.decode(prompt: prompts[0], draftTokens: draftTokens, checkpoint, onToken)
                } else {
                    try batch.decode(checkpoint, onToken)
                }
            }
        } catch is CancellationError {
            batch.stop()
        }
        let times = GenerationTimes(
            prefill: prefill,
            decode: decode,
            decodedTokens: firstTokens.map { batch.tokenCount - $0 } ?? 0,
            promptTokens: promptTokens
        )
        return (batch.generations, times)
    }

    /// Adds the time that `body` takes, whether it throws or not.
    private static func timing(_ time: inout Duration, _ body: () throws -> Void) rethrows {
        let start = ContinuousClock.now
        defer { time += ContinuousClock.now - start }
        try body()
    }

    /// - Throws: `CancellationError`.
    private func checkpoint() throws { if isCancelled() { throw CancellationError() } }
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

    init(model: LanguageModel, samplers: [Sampler], maximumTokens: Int, caches: [any KVCache]) {
        self.model = model
        self.samplers = samplers
        self.maximumTokens = maximumTokens
        self.caches = caches
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

    /// Ends what has not ended.
    mutating func stop() {
        for index in active { end(index, .callerStopped) }
    }

    private mutating func end(_ index: Int, _ reason: Generation.StopReason) {
        generations[index].stopReason = reason
        active.removeAll { $0 == index }
    }

    /// Steps of all sequences until the last one ends.
    mutating func decode(
        _ checkpoint: () throws -> Void,
        _ onToken: (Int, Int32) throws -> Bool
    ) throws {
        while !active.isEmpty {
            let going = active
            let logits = try model.step(
                going.map { last($0) },
                caches: going.map { caches[$0] },
                checkpoint: checkpoint
            )
            for (row, index) in going.enumerated() { try take(logits.row(row), for: index, onToken) }
        }
    }

    // MARK: - Drafts

    /// Steps of one sequence that check what stood after the last occurrence of the newest tokens.
    ///
    /// Source: Saxena, "Prompt Lookup Decoding" (2023); acceptance keeps what the sampler would have chosen anyway.
    mutating func decode(
        prompt: [Int32],
        draftTokens: Int,
        _ checkpoint: () throws -> Void,
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
            let logits = try model.forward(
                [last(0)] + draft,
                cache: cache,
                logits: .all,
                settles: draft.isEmpty,
                checkpoint: checkpoint
            )
            guard let logits else { return }
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
