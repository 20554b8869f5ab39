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

    /// Tokens whose logits exist at one time: 128 × 152k float32 take 78 MB.
    private static let logitsPerPart = 128

    public let path: String
    public let configuration: ModelConfiguration
    public let tokenizer: any Tokenizer
    /// Tensors of each element type, for example `[.q4_1: 210, .q8_0: 1, .float32: 61]`.
    public let tensorCounts: [ElementType: Int]
    public let parameterCount: Int
    private let decoder: Decoder

    /// Maps a GGUF file and checks it.
    ///
    /// - Throws: `MappedFileError`, `GGUFError`, `ModelError` or `TokenizerError`, each saying what to do.
    /// - Complexity: O(vocabulary); weights are read when they are first used.
    public convenience init(path: String) throws {
        try self.init(file: GGUFFile(path: path))
    }

    public init(file: GGUFFile) throws {
        let architecture = try ArchitectureCatalogue.architecture(of: file)
        path = file.file.path
        configuration = try architecture.configuration(file)
        decoder = try architecture.load(file, configuration)
        tokenizer = try TokenizerLoader.load(file)
        tensorCounts = file.orderedTensors.reduce(into: [:]) { $0[$1.elementType, default: 0] += 1 }
        parameterCount = file.orderedTensors.reduce(0) { $0 + $1.elementCount }
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

    /// Text to token ids, with the begin token if the model wants one.
    public func encode(_ text: [UInt8], parseSpecial: Bool = false) -> [Int32] {
        (tokenizer.beginToken.map { [$0] } ?? []) + tokenizer.encode(text, parseSpecial: parseSpecial)
    }

    /// Runs `tokens` after those that `cache` holds, in blocks of ``tokensPerBlock``.
    ///
    /// Without logits the output projection is skipped, and the last layer stops after its taps.
    ///
    /// - Returns: logits `[token, vocabulary]` of the tokens asked for; `nil` for `.none`.
    /// - Throws: `ModelError` for no tokens, unknown ids, an overflow of context or cache; what `tap` throws.
    ///   The cache then holds what it held before.
    @discardableResult
    public func forward(
        _ tokens: [Int32],
        cache: any KVCache,
        logits request: LogitRequest = .last,
        tap: (any Tap)? = nil
    ) throws -> Tensor? {
        let wanted = request.count(of: tokens.count), vocabularySize = configuration.vocabularySize
        guard wanted > 0 else {
            try runBlocks(tokens, cache: cache, firstWithLogits: tokens.count, tap: tap) { _, _ in }
            return nil
        }
        let elements = try [Float](unsafeUninitializedCapacity: wanted * vocabularySize) { buffer, count in
            guard var target = buffer.baseAddress else { return }
            try runBlocks(tokens, cache: cache, firstWithLogits: tokens.count - wanted, tap: tap) { rows, workspace in
                decoder.logits(rows: rows, workspace: workspace, into: target)
                target += rows.count * vocabularySize
            }
            count = wanted * vocabularySize
        }
        let layout = Layout([.init(.token, wanted), .init(.vocabulary, vocabularySize)])
        return Tensor(layout: layout, elements: elements)
    }

    /// Like ``forward(_:cache:logits:tap:)``, but hands logits out in parts, so that those of a whole text never
    /// exist at once.
    ///
    /// - Parameters:
    ///   - first: index of the first token that gets logits.
    ///   - consume: takes indices into `tokens` and their logits `[token, vocabulary]`, which it may overwrite;
    ///     they are valid only during the call.
    public func forEachLogits(
        of tokens: [Int32],
        from first: Int,
        cache: any KVCache,
        tap: (any Tap)? = nil,
        consume: (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        let vocabularySize = configuration.vocabularySize
        let part = FloatBuffer(count: min(tokens.count, Self.logitsPerPart) * vocabularySize)
        var index = first
        try runBlocks(tokens, cache: cache, firstWithLogits: first, tap: tap) { rows, workspace in
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.logitsPerPart) {
                let end = min(start + Self.logitsPerPart, rows.upperBound), count = end - start
                decoder.logits(rows: start..<end, workspace: workspace, into: part.pointer)
                let logits = UnsafeMutableBufferPointer(start: part.pointer, count: count * vocabularySize)
                try consume(index..<index + count, logits)
                index += count
            }
        }
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

    /// Calls `output` after each block that has tokens from `firstWithLogits` on, with their rows in the block.
    /// An error leaves the cache as it was.
    private func runBlocks(
        _ tokens: [Int32],
        cache: any KVCache,
        firstWithLogits: Int,
        tap: (any Tap)?,
        output: (Range<Int>, Workspace) throws -> Void
    ) throws {
        try check(tokens, cache)
        let held = cache.length
        do {
            try runCheckedBlocks(tokens, held, cache, firstWithLogits: firstWithLogits, tap: tap, output: output)
        } catch {
            cache.truncate(to: held)
            throw error
        }
    }

    private func runCheckedBlocks(
        _ tokens: [Int32],
        _ held: Int,
        _ cache: any KVCache,
        firstWithLogits: Int,
        tap: (any Tap)?,
        output: (Range<Int>, Workspace) throws -> Void
    ) throws {
        let workspace = Workspace(tokens: min(tokens.count, Self.tokensPerBlock), configuration: configuration)
        for first in stride(from: 0, to: tokens.count, by: Self.tokensPerBlock) {
            let block = tokens[first..<min(first + Self.tokensPerBlock, tokens.count)]
            let position = held + first
            let step = ForwardStep(
                tokens: block.count,
                firstPosition: position,
                rotation: RotaryTable(
                    positions: position..<position + block.count,
                    channels: configuration.headDim,
                    base: configuration.ropeBase
                ),
                cache: cache,
                tap: tap,
                workspace: workspace
            )
            let rows = min(max(0, firstWithLogits - first), block.count)..<block.count
            try decoder.run(block, step: step, isOutputNeeded: !rows.isEmpty)
            if !rows.isEmpty { try output(rows, workspace) }
        }
    }
}
