import Kernels
import ModelFormats
import TensorCore
import Tokenizers

/// Which tokens of a forward pass get logits; the others cost no output projection.
public enum LogitRequest: Sendable, Equatable {
    case none
    case last
    case all
    /// The last tokens, at most so many.
    case suffix(Int)

    func count(of tokens: Int) -> Int {
        switch self {
        case .none: 0
        case .last: min(1, tokens)
        case .all: tokens
        case .suffix(let count): min(max(0, count), tokens)
        }
    }
}

/// A decoder with its tokenizer, ready to run; weights stay mapped in the type that the file has.
///
/// Safe to share: each call works on the cache it is given.
public final class LanguageModel: Sendable {
    /// Tokens that go through the layers together. Fixed, so that results do not depend on the machine.
    public static let tokensPerBlock = 512

    public let path: String
    public let configuration: ModelConfiguration
    public let tokenizer: any Tokenizer
    /// Tensors of each element type, for example `[.q4_1: 210, .q8_0: 1, .float32: 61]`.
    public let tensorCounts: [ElementType: Int]
    public let parameterCount: Int
    /// Bytes of the weights as the file has them, mapped.
    public let weightBytes: Int
    private let decoder: Decoder
    private let chat: Result<ChatTemplate, any Error>

    /// Maps a GGUF file or the safetensors of a Hugging Face folder and checks them.
    ///
    /// - Throws: what ``ModelSource`` throws, `MetadataError`, `ModelError` or `TokenizerError`, each saying what to do.
    /// - Complexity: O(vocabulary); weights are read when they are first used.
    public convenience init(path: String) throws {
        try self.init(source: ModelSource(path: path))
    }

    public init(source: ModelSource) throws {
        let architecture = try ArchitectureCatalogue.architecture(of: source)
        path = source.path
        configuration = try architecture.configuration(source)
        decoder = try architecture.load(source, configuration)
        tokenizer = try TokenizerLoader.load(source)
        // Most uses need none, so a model without one is no failure yet.
        chat = Result { [tokenizer] in
            let ends = tokenizer.endOfTextTokens.sorted().map { tokenizer.decodeText([$0]) }
            return try ChatTemplate(source: source, endToken: ends.first ?? "</s>")
        }
        tensorCounts = source.orderedTensors.reduce(into: [:]) { $0[$1.elementType, default: 0] += 1 }
        parameterCount = source.orderedTensors.reduce(0) { $0 + $1.elementCount }
        weightBytes = source.weightBytes
    }

    /// The types of the weights, most frequent first: `q4_1 ×210, f32 ×61, q8_0 ×1`.
    public var weightTypeSummary: String {
        tensorCounts.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }
            .map { "\($0.key.rawValue) ×\($0.value)" }
            .joined(separator: ", ")
    }

    /// An empty cache for `capacity` tokens; float32 adds no rounding of its own.
    public func makeCache(capacity: Int, precision: FullCache.Precision = .float32) -> any KVCache {
        FullCache(shape: configuration.cacheShape, capacity: capacity, precision: precision)
    }

    /// How the model wants a conversation to be written.
    /// - Throws: `ModelError.unsupportedFeature` if its files have no template that is known; what
    ///   ``ChatTemplate/init(source:)`` throws for one that cannot be read.
    public func chatTemplate() throws -> ChatTemplate { try chat.get() }

    /// Text to token ids, with the begin token if the model wants one.
    public func encode(_ text: [UInt8], parseSpecial: Bool = false) -> [Int32] {
        (tokenizer.beginToken.map { [$0] } ?? []) + tokenizer.encode(text, parseSpecial: parseSpecial)
    }

    /// Runs `tokens` after those that `cache` holds, in blocks of ``tokensPerBlock``.
    ///
    /// Without logits the output projection is skipped, and the last layer stops after its taps. Taps see all tokens
    /// of a layer before the next layer's.
    ///
    /// - Parameter settles: if not, the cache packs none of the tokens before its `settle` is called, so that some
    ///   can be taken back as they were.
    /// - Parameter checkpoint: called before each block of each layer; what it throws ends the pass there.
    /// - Returns: logits `[token, vocabulary]` of the tokens asked for; `nil` for `.none`.
    /// - Throws: `ModelError` for no tokens, unknown ids, an overflow of context or cache; what `tap` and `checkpoint`
    ///   throw. The cache then holds the tokens that it held before. A cache that packs may have packed some that the new
    ///   ones pushed out of its window, and of a group that the error cut keeps what is left as it was rounded; but none
    ///   if it does not settle.
    @discardableResult
    public func forward(
        _ tokens: [Int32],
        cache: any KVCache,
        logits request: LogitRequest = .last,
        settles: Bool = true,
        tap: (any Tap)? = nil,
        checkpoint: () throws -> Void = {}
    ) throws -> Tensor? {
        let wanted = request.count(of: tokens.count), vocabularySize = configuration.vocabularySize
        guard wanted > 0 else {
            try runBlocks(
                tokens,
                cache: cache,
                firstWithLogits: tokens.count,
                settles: settles,
                tap: tap,
                checkpoint: checkpoint
            ) { _, _ in }
            return nil
        }
        let elements = try [Float](unsafeUninitializedCapacity: wanted * vocabularySize) { buffer, count in
            guard var target = buffer.baseAddress else { return }
            try runBlocks(
                tokens,
                cache: cache,
                firstWithLogits: tokens.count - wanted,
                settles: settles,
                tap: tap,
                checkpoint: checkpoint
            ) { rows, workspace in
                decoder.logits(rows: rows, workspace: workspace, into: target)
                target += rows.count * vocabularySize
            }
            count = wanted * vocabularySize
        }
        let layout = Layout([.init(.token, wanted), .init(.vocabulary, vocabularySize)])
        return Tensor(layout: layout, elements: elements)
    }

    /// Like ``forward(_:cache:logits:settles:tap:checkpoint:)``, but keeps what logits are made of, which is a
    /// hundredth of them, so that those of a whole text never exist at once.
    ///
    /// - Parameter first: index of the first token that is kept.
    public func states(
        of tokens: [Int32],
        from first: Int,
        cache: any KVCache,
        checkpoint: () throws -> Void = {}
    ) throws -> OutputStates {
        let states = OutputStates(count: max(0, tokens.count - first), width: configuration.width)
        var filled = 0
        try runBlocks(
            tokens,
            cache: cache,
            firstWithLogits: first,
            settles: true,
            tap: nil,
            checkpoint: checkpoint
        ) { rows, workspace in
            states.fill(from: filled, rows: rows, of: workspace.hidden)
            filled += rows.count
        }
        return states
    }

    /// Logits `[token, vocabulary]` of some tokens of `states`.
    ///
    /// - Parameter target: `rows.count` times the vocabulary's size floats.
    /// - Precondition: `rows` are among those of `states`, which this model made.
    public func logits(of states: OutputStates, rows: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        precondition(states.width == configuration.width && 0 <= rows.lowerBound && rows.upperBound <= states.count)
        let normed = FloatBuffer(count: rows.count * states.width)
        decoder.logits(
            tokens: rows.count,
            hidden: states.row(rows.lowerBound),
            normed: normed.pointer,
            into: target
        )
    }

    /// Runs one token of each sequence of a batch after those that its cache holds, whatever their lengths.
    ///
    /// With the same caches a sequence's logits are the same bit for bit in any batch of up to 11, and in any larger
    /// one but for the rounding of float32 sums: from 12 tokens on (17 with AVX-512) weights are multiplied as
    /// matrices.
    ///
    /// - Returns: logits `[token, vocabulary]`, a row a sequence.
    /// - Throws: as ``states(of:caches:checkpoint:)``.
    public func step(
        _ tokens: [Int32],
        caches: [any KVCache],
        checkpoint: () throws -> Void = {}
    ) throws -> Tensor {
        let count = tokens.count, vocabularySize = configuration.vocabularySize
        var elements: [Float] = []
        try runTogether(tokens.map { [$0] }, caches: caches, checkpoint: checkpoint) { workspace in
            elements = [Float](unsafeUninitializedCapacity: count * vocabularySize) { buffer, filled in
                guard let target = buffer.baseAddress else { return }
                decoder.logits(rows: 0..<count, workspace: workspace, into: target)
                filled = count * vocabularySize
            }
        }
        return Tensor(
            layout: Layout([.init(.token, count), .init(.vocabulary, vocabularySize)]),
            elements: elements
        )
    }

    /// Runs tokens of each sequence of a batch, as many of one as of another, after those that its cache holds.
    ///
    /// - Returns: what the logits of `[sequence, row]` are made of.
    /// - Throws: `ModelError` for unknown ids, an overflow of a context or cache, caches of different accuracy;
    ///   `KernelError.outOfMemory`; what `checkpoint`, called before each layer, throws. The caches then hold the
    ///   tokens that they held before. With one token of each sequence none of them has been packed in between, unless
    ///   the cache packs before attention or it was memory for packing that ended; with more, as after
    ///   ``forward(_:cache:logits:settles:tap:checkpoint:)``.
    /// - Precondition: as many lists of tokens as caches, of one length.
    public func states(
        of tokens: [[Int32]],
        caches: [any KVCache],
        checkpoint: () throws -> Void = {}
    ) throws -> OutputStates {
        let count = tokens.reduce(0) { $0 + $1.count }
        let states = OutputStates(count: count, width: configuration.width)
        try runTogether(tokens, caches: caches, checkpoint: checkpoint) { workspace in
            states.fill(from: 0, rows: 0..<count, of: workspace.hidden)
        }
        return states
    }

    private func runTogether(
        _ tokens: [[Int32]],
        caches: [any KVCache],
        checkpoint: () throws -> Void,
        output: (Workspace) throws -> Void
    ) throws {
        let rows = tokens.first?.count ?? 0
        precondition(tokens.count == caches.count && tokens.allSatisfy { $0.count == rows }, "a ragged batch")
        for (tokens, cache) in zip(tokens, caches) { try check(tokens, cache) }
        guard Set(caches.map { $0.accuracy }).count == 1 else {
            throw ModelError.invalidSetting(
                name: "batch",
                value: "of several accuracies",
                expected: "one for all caches"
            )
        }
        let held = caches.map { $0.length }, count = rows * tokens.count
        let hidden = FloatBuffer(count: count * configuration.width)
        let workspace = Workspace(tokens: count, hidden: hidden.pointer, configuration: configuration)
        let step = ForwardStep(
            tokens: count,
            firstPosition: held[0],
            rotations: rotations(held.flatMap { $0..<$0 + rows }),
            caches: caches,
            settles: true,
            tap: nil,
            workspace: workspace
        )
        try restoring(caches) {
            decoder.embed(tokens.flatMap { $0 }, into: hidden.pointer)
            for (layer, block) in decoder.blocks.enumerated() {
                try checkpoint()
                try block.run(layer: layer, step: step, isOutputNeeded: true)
                if rows > 1 { for cache in caches { try cache.settle(layer: layer) } }
            }
            try output(workspace)
            // Last, so that what fails before can be taken back; a token more in the windows of all layers costs no
            // memory to speak of, unlike many.
            if rows == 1 { for cache in caches { try cache.settle() } }
        }
    }

    private func rotations(_ positions: some Collection<Int>) -> [RotaryTable] {
        configuration.attention.rotations.map { $0.table(positions: positions, channels: configuration.headDim) }
    }

    private func check(_ tokens: [Int32], _ cache: any KVCache) throws {
        guard !tokens.isEmpty else { throw ModelError.noTokens }
        guard cache.shape == configuration.cacheShape else {
            throw ModelError.cacheOfAnotherModel(cache: cache.shape, model: configuration.cacheShape)
        }
        let vocabularySize = configuration.vocabularySize
        if let token = tokens.first(where: { $0 < 0 || $0 >= vocabularySize }) {
            throw ModelError.unknownToken(token: token, vocabularySize: vocabularySize)
        }
        let held = cache.length
        guard held + tokens.count <= configuration.contextLength else {
            throw ModelError.contextOverflow(
                held: held,
                added: tokens.count,
                contextLength: configuration.contextLength
            )
        }
        guard held + tokens.count <= cache.capacity else {
            throw ModelError.cacheFull(held: held, added: tokens.count, capacity: cache.capacity)
        }
    }

    /// An error leaves the caches with the tokens that they had, as far as packing allows.
    private func restoring(_ caches: [any KVCache], _ body: () throws -> Void) throws {
        let held = caches.map { $0.length }
        do {
            try body()
        } catch {
            // What cannot be restored for want of memory is not worth more than the error itself.
            for (cache, length) in zip(caches, held) { try? cache.truncate(to: length) }
            throw error
        }
    }

    /// Runs all blocks through a layer before the next, so that a cache which packs its tokens once attention has
    /// read them holds one layer of a prompt in full precision, not all.
    ///
    /// Calls `output` for each block that has tokens from `firstWithLogits` on, with their rows in the block.
    private func runBlocks(
        _ tokens: [Int32],
        cache: any KVCache,
        firstWithLogits: Int,
        settles: Bool,
        tap: (any Tap)?,
        checkpoint: () throws -> Void,
        output: (Range<Int>, Workspace) throws -> Void
    ) throws {
        try check(tokens, cache)
        let held = cache.length, width = configuration.width
        let hidden = FloatBuffer(count: tokens.count * width)
        let workspace = Workspace(
            tokens: min(tokens.count, Self.tokensPerBlock),
            hidden: hidden.pointer,
            configuration: configuration
        )
        let firsts = stride(from: 0, to: tokens.count, by: Self.tokensPerBlock)
        let steps = firsts.map { first in
            let count = min(Self.tokensPerBlock, tokens.count - first), position = held + first
            return ForwardStep(
                tokens: count,
                firstPosition: position,
                rotations: rotations(position..<position + count),
                caches: [cache],
                settles: settles,
                tap: tap,
                workspace: workspace
            )
        }
        try restoring([cache]) {
            decoder.embed(tokens, into: hidden.pointer)
            for (layer, block) in decoder.blocks.enumerated() {
                let isLast = layer == decoder.blocks.count - 1
                for (first, step) in zip(firsts, steps) {
                    try checkpoint()
                    workspace.hidden = hidden.pointer + first * width
                    let hasLogits = first + step.tokens > firstWithLogits
                    try block.run(layer: layer, step: step, isOutputNeeded: hasLogits || !isLast)
                }
                if settles && tokens.count > 1 { try cache.settle(layer: layer) }
            }
            for (first, step) in zip(firsts, steps) where first + step.tokens > firstWithLogits {
                workspace.hidden = hidden.pointer + first * width
                try output(max(0, firstWithLogits - first)..<step.tokens, workspace)
            }
            // As in a step of a batch.
            if settles && tokens.count == 1 { try cache.settle() }
        }
    }
}
