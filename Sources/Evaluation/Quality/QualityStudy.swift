import Inference
import Kernels
import TensorCore

/// How well a model predicts a text with each of several caches, and how far it is from full precision.
///
/// Windows of the text are independent sequences. All caches read the same tokens in the same blocks, beside one
/// float32 cache that serves them all as the reference.
public enum QualityStudy {
    /// - Returns: `quality`, a row a cache, and `quality-by-position`.
    /// - Throws: `ModelError` for settings or a text that does not fit; what `progress` throws.
    /// - Complexity: O(windows · window) tokens through the model for each cache; memory of the logits of a block.
    public static func run(
        model: LanguageModel,
        tokens: [Int32],
        settings: QualityStudySettings,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> [Table] {
        let starts = try settings.windows(of: tokens.count)
        let specifications = settings.caches
        var results = specifications.map { _ in QualityResult(positions: settings.window) }
        for first in stride(from: 0, to: starts.count, by: QualityStudySettings.windowsTogether) {
            let batch = starts[first..<min(starts.count, first + QualityStudySettings.windowsTogether)].map {
                Array(tokens[$0..<$0 + settings.window])
            }
            let run = try QualityBatch(model: model, windows: batch, settings: settings)
            try run.run { done in
                try progress((Double(first) + done * Double(batch.count)) / Double(starts.count))
            } record: { place, position, comparison in
                results[place].add(comparison, at: position)
            }
        }
        return QualityTables.tables(results, settings: settings, windows: starts.count)
    }
}

/// Some windows on their way through the model, once a cache.
private struct QualityBatch {
    let model: LanguageModel
    let windows: [[Int32]]
    let settings: QualityStudySettings
    private let reference: [any KVCache]
    /// [cache][window]
    private let caches: [[any KVCache]]

    init(model: LanguageModel, windows: [[Int32]], settings: QualityStudySettings) throws {
        self.model = model
        self.windows = windows
        self.settings = settings
        let shape = model.configuration.cacheShape, capacities = windows.map { $0.count }
        reference = settings.isCompared ? windows.map { model.makeCache(capacity: $0.count) } : []
        caches = try settings.caches.map { try $0.caches(shape: shape, capacities: capacities) }
    }

    /// - Parameter record: takes the cache's number, a position in the window and what is found there.
    func run(
        progress: (Double) throws -> Void,
        record: (Int, Int, TokenComparison) -> Void
    ) throws {
        let read = settings.window - 1, vocabulary = model.configuration.vocabularySize
        var first = 0
        while first < read {
            let count = blockLength(at: first, read)
            let isScored = first + count > settings.firstScored
            // The logits of full precision, kept while the caches' are made.
            var truth: [Float] = []
            if settings.isCompared {
                try forward(reference, first, count, isScored: isScored) { truth = Array($0) }
            }
            for (place, caches) in caches.enumerated() {
                try forward(caches, first, count, isScored: isScored) { logits in
                    let found = compare(logits, truth, first, count, vocabulary)
                    for (row, comparison) in found.enumerated() {
                        let position = first + row % count
                        if position >= settings.firstScored { record(place, position, comparison) }
                    }
                }
            }
            first += count
            try progress(Double(first) / Double(read))
        }
    }

    private func blockLength(at first: Int, _ read: Int) -> Int {
        if settings.mode == .inPlace { return read }
        if first < settings.firstScored { return min(settings.firstScored, read) - first }
        return min(settings.blockTokens, read - first)
    }

    private func forward(
        _ caches: [any KVCache],
        _ first: Int,
        _ count: Int,
        isScored: Bool,
        _ consume: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        guard isScored, settings.mode == .exact else {
            for (cache, window) in zip(caches, windows) where !isScored {
                try model.forward(Array(window[first..<first + count]), cache: cache, logits: .none)
            }
            guard isScored else { return }
            return try forwardWhole(caches, first, count, consume)
        }
        try model.run(windows.map { Array($0[first..<first + count]) }, caches: caches, consume: consume)
    }

    /// A whole window's logits, one window after the other.
    private func forwardWhole(
        _ caches: [any KVCache],
        _ first: Int,
        _ count: Int,
        _ consume: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        var all: [Float] = []
        for (cache, window) in zip(caches, windows) {
            let logits = try model.forward(Array(window[first..<first + count]), cache: cache, logits: .all)
            all += logits?.elements ?? []
        }
        try all.withUnsafeMutableBufferPointer { try consume($0) }
    }

    /// One comparison a row of `[window, row, vocabulary]`.
    private func compare(
        _ logits: UnsafeMutableBufferPointer<Float>,
        _ truth: [Float],
        _ first: Int,
        _ count: Int,
        _ vocabulary: Int
    ) -> [TokenComparison] {
        let rows = windows.count * count
        return [TokenComparison](unsafeUninitializedCapacity: rows) { target, filled in
            truth.withUnsafeBufferPointer { truth in
                guard let logits = logits.baseAddress, let target = target.baseAddress else { return }
                // Each row is read and written by one call only.
                nonisolated(unsafe) let own = logits, place = target,
                    reference = truth.isEmpty ? nil : truth.baseAddress
                Parallel.forEach(rows) { row in
                    let next = windows[row / count][first + row % count + 1]
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: vocabulary) { scratch in
                        guard let scratch = scratch.baseAddress else { return }
                        let cached = TokenDistribution(own + row * vocabulary, count: vocabulary, scratch: scratch)
                        if let reference {
                            let exact = TokenDistribution(
                                reference + row * vocabulary,
                                count: vocabulary,
                                scratch: scratch
                            )
                            (place + row).initialize(to: exact.compare(to: cached, next: next, exponentials: scratch))
                        } else {
                            var only = TokenComparison()
                            only.loss = cached.loss(of: next)
                            (place + row).initialize(to: only)
                        }
                    }
                }
            }
            filled = rows
        }
    }
}
