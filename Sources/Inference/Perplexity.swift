import Kernels
import TensorCore

/// How well a model predicts a text.
public struct PerplexityResult: Sendable, Equatable {
    public let windows: Int
    public let scoredTokens: Int
    /// Mean of −ln p(token | those before it in the window), in nats.
    public let meanLoss: Double
    /// exp(meanLoss).
    public let perplexity: Double
}

public enum Perplexity {
    /// Which tokens of a window count.
    public enum Scoring: String, Sendable, CaseIterable {
        /// Tokens that have at least half a window before them: 257 … 511 of 512, as llama.cpp scores.
        case secondHalf = "second-half"
        /// All but the first.
        case all
    }

    /// Runs windows that do not overlap, each on an empty cache.
    ///
    /// A last piece shorter than the window is left out, as llama.cpp does.
    ///
    /// - Parameters:
    ///   - window: tokens, at least 2.
    ///   - maximumWindows: all that there are if `nil`.
    ///   - makeCache: float32 if `nil`.
    ///   - progress: the share done so far, after each window.
    /// - Throws: `ModelError.textTooShort` for less than one window.
    public static func evaluate(
        model: LanguageModel,
        tokens: [Int32],
        window: Int = 512,
        scoring: Scoring = .secondHalf,
        maximumWindows: Int? = nil,
        makeCache: ((_ capacity: Int) throws -> any KVCache)? = nil,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> PerplexityResult {
        guard window >= 2 else {
            throw ModelError.invalidSetting(name: "window", value: "\(window)", expected: "at least 2 tokens")
        }
        let windows = min(tokens.count / window, maximumWindows ?? .max)
        guard windows > 0 else { throw ModelError.textTooShort(tokens: tokens.count, window: window) }
        let first = scoring == .all ? 0 : window / 2
        var sum = 0.0
        for index in 0..<windows {
            let cache = try makeCache?(window) ?? model.makeCache(capacity: window)
            let ids = Array(tokens[index * window..<(index + 1) * window])
            sum += try losses(model: model, ids: ids, from: first, cache: cache).reduce(0, +)
            try progress(Double(index + 1) / Double(windows))
        }
        let scored = windows * (window - 1 - first)
        let mean = sum / Double(scored)
        return PerplexityResult(
            windows: windows,
            scoredTokens: scored,
            meanLoss: mean,
            perplexity: exponential(mean)
        )
    }

    /// −ln p of the tokens after `first`, each given all before it.
    private static func losses(
        model: LanguageModel,
        ids: [Int32],
        from first: Int,
        cache: any KVCache
    ) throws -> [Double] {
        var losses: [Double] = []
        // The last token is only predicted, never read.
        let read = Array(ids.dropLast())
        try model.forEachLogits(of: read, from: first, cache: cache) { rows, logits in
            losses += negativeLogLikelihoods(logits, next: ids[(rows.lowerBound + 1)...rows.upperBound])
        }
        return losses
    }

    /// −ln softmax(row)[next] of each row; overwrites the logits.
    static func negativeLogLikelihoods(
        _ logits: UnsafeMutableBufferPointer<Float>,
        next: ArraySlice<Int32>
    ) -> [Double] {
        let columns = logits.count / max(1, next.count)
        return [Double](unsafeUninitializedCapacity: next.count) { buffer, count in
            guard let base = logits.baseAddress, let target = buffer.baseAddress else { return }
            // Each row is read and written by one call only.
            nonisolated(unsafe) let rows = base, losses = target
            Parallel.forEach(next.count) { row in
                let values = rows + row * columns
                let shift = VectorMath.maximum(values, count: columns)
                let wanted = Double(values[Int(next[next.startIndex + row])])
                let sum = VectorMath.exponentialSum(values, count: columns, shift: shift)
                losses[row] = naturalLogarithm(Double(sum)) - (wanted - Double(shift))
            }
            count = next.count
        }
    }
}
