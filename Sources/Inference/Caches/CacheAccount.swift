import Kernels
import Quantization

/// What one sequence of a stated length takes in a cache, from lengths alone: no cache is made.
public struct CacheAccount: Sendable, Equatable, Codable {
    /// The cache's name.
    public let id: String
    public let tokens: Int
    /// At rest: what was packed is packed, and the tokens came without being taken back.
    public let bytes: CacheBytes
    /// Bytes that each further token of a long sequence adds, all layers, with scales and padding, without the window.
    public let asymptoticBytesPerToken: Double

    /// What is stored over the tokens, with the window, without the free rest of pages.
    public var bytesPerToken: Double { tokens == 0 ? 0 : Double(bytes.used) / Double(tokens) }
}

/// What fits in a memory beside the weights.
public struct CacheFit: Sendable, Equatable, Codable {
    /// Tokens of one sequence, at most the model's context.
    public let longestSequence: Int
    /// Tokens of each sequence of `largestBatch`.
    public let batchTokens: Int
    /// Sequences that hold so many tokens at one time.
    public let largestBatch: Int
}

extension CacheSpecification {
    /// The caches that have a name of their own and save what they promise: both full ones, and of the listed schemes
    /// those with a packed cache.
    public static let named: [CacheSpecification] = {
        let full = FullCache.Precision.allCases.map { "full-\($0.rawValue)" }
        // What has no packed cache throws: it can only be simulated.
        return (full + SchemeCatalogue.all.map { $0.id }).compactMap { try? CacheSpecification(parsing: $0) }
    }()

    /// - Parameter tokens: 0 or more.
    public func account(shape: CacheShape, tokens: Int) -> CacheAccount {
        precondition(tokens >= 0, "\(tokens) tokens")
        var bytes = CacheBytes(), perToken = 0.0
        switch kind {
        case .full(let precision):
            bytes = FullCache.restingBytes(shape: shape, tokens: tokens, precision: precision)
            perToken = Double(shape.elementsPerToken * precision.elementBytes)
        // Float32 whatever the scheme.
        case .simulated:
            bytes = FullCache.restingBytes(shape: shape, tokens: tokens, precision: .float32)
            perToken = Double(shape.elementsPerToken * FullCache.Precision.float32.elementBytes)
        case .packed(let format):
            for side in CacheSide.allCases {
                let account = PackedSideAccount(side, format, shape: shape)
                let one = account.restingBytes(tokens)
                for _ in 0..<shape.layers { bytes = bytes + one }
                perToken += account.asymptoticBytesPerToken * Double(shape.layers)
            }
        }
        return CacheAccount(id: id, tokens: tokens, bytes: bytes, asymptoticBytesPerToken: perToken)
    }

    /// What fits in so many bytes with this cache.
    ///
    /// Beside the cache at its peak, packing included, the residual stream of the longest prompt is counted; scratch of
    /// one block of tokens, tens of megabytes at most, is not.
    ///
    /// - Parameters:
    ///   - tokens: of each sequence of the batch; more than the model's context are taken as that.
    ///   - budget: bytes beside the weights; less than 0 fits nothing.
    /// - Throws: `ModelError.invalidSetting` for a scheme that cannot be simulated token by token.
    /// - Complexity: O(log context) peaks.
    public func fit(_ configuration: ModelConfiguration, tokens: Int, budget: Int) throws -> CacheFit {
        let one = try cache(shape: configuration.cacheShape, capacity: 0)
        func count(_ tokens: Int) -> Int {
            let stream = tokens * configuration.width * MemoryLayout<Float>.stride
            return one.peak(prompt: tokens, capacity: tokens, step: 1).count(within: budget - stream)
        }
        let batchTokens = max(1, min(tokens, configuration.contextLength))
        return CacheFit(
            longestSequence: budget <= 0
                ? 0
                : Self.largestLength(below: configuration.contextLength + 1, prompt: 0) { $0 == 0 || count($0) >= 1 },
            batchTokens: batchTokens,
            largestBatch: count(batchTokens)
        )
    }
}

extension CacheShape {
    /// Elements of keys and values of one token, all layers.
    var elementsPerToken: Int { 2 * layers * kvHeads * headDim }
}
