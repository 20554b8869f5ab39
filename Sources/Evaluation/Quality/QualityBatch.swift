import Inference
import Kernels

/// Some windows on their way through the model, once a cache.
struct QualityBatch {
    /// Tokens whose logits exist at one time: 128 × 152k float32 take 78 MB, and those of full precision as much.
    private static let logitsPerPart = 128

    private let model: LanguageModel
    private let windows: [[Int32]]
    private let settings: QualityStudySettings
    private let reference: [any KVCache]?
    /// [cache][window]
    private let caches: [[any KVCache]]

    init(model: LanguageModel, windows: [[Int32]], settings: QualityStudySettings) throws {
        self.model = model
        self.windows = windows
        self.settings = settings
        let shape = model.configuration.cacheShape, capacities = windows.map { $0.count }
        reference = settings.isCompared ? windows.map { model.makeCache(capacity: $0.count) } : nil
        caches = try settings.caches.map { try $0.caches(shape: shape, capacities: capacities) }
    }

    /// - Returns: what was found of each cache.
    func run(progress: (Double) throws -> Void) throws -> [QualityResult] {
        let blocks = settings.blocks, passes = caches.count + (reference == nil ? 0 : 1)
        var results = caches.map { _ in QualityResult(positions: settings.window) }
        var done = 0.0
        func checkpoint() throws { try progress(done / Double(blocks.count * passes)) }
        for block in blocks {
            func states(_ caches: [any KVCache]) throws -> OutputStates? {
                defer { done += 1 }
                return try pass(block, caches, checkpoint)
            }
            let exact = try reference.flatMap { try states($0) }
            let cached = try caches.map { try states($0) }
            try score(block, exact, cached.compactMap { $0 }, checkpoint) { place, position, comparison in
                results[place].add(comparison, at: position)
            }
        }
        return results
    }

    /// What the logits of a block's scored tokens are made of, `[window, row]`; `nil` if it has none.
    private func pass(
        _ block: Range<Int>,
        _ caches: [any KVCache],
        _ checkpoint: () throws -> Void
    ) throws -> OutputStates? {
        let tokens = windows.map { Array($0[block]) }
        guard block.upperBound > settings.firstScored else {
            for (cache, tokens) in zip(caches, tokens) {
                try model.forward(tokens, cache: cache, logits: .none, checkpoint: checkpoint)
            }
            return nil
        }
        if settings.mode == .inPlace {
            return try model.states(of: tokens[0], from: settings.firstScored, cache: caches[0], checkpoint: checkpoint)
        }
        return try model.states(of: tokens, caches: caches, checkpoint: checkpoint)
    }

    /// - Parameter record: takes the cache's number, a position in the window and what is found there.
    private func score(
        _ block: Range<Int>,
        _ exact: OutputStates?,
        _ cached: [OutputStates],
        _ checkpoint: () throws -> Void,
        record: (Int, Int, TokenComparison) -> Void
    ) throws {
        guard let rows = cached.first?.count else { return }
        let first = max(block.lowerBound, settings.firstScored), perWindow = rows / windows.count
        let vocabulary = model.configuration.vocabularySize, most = min(rows, Self.logitsPerPart) * vocabulary
        var truth = [Float](repeating: 0, count: exact == nil ? 0 : most), logits = [Float](repeating: 0, count: most)
        for start in stride(from: 0, to: rows, by: Self.logitsPerPart) {
            let part = start..<min(rows, start + Self.logitsPerPart)
            if let exact { model.logits(of: exact, rows: part, into: &truth) }
            let next = part.map { windows[$0 / perWindow][first + $0 % perWindow + 1] }
            for (place, states) in cached.enumerated() {
                try checkpoint()
                model.logits(of: states, rows: part, into: &logits)
                for (row, comparison) in zip(part, compare(logits, truth, next, vocabulary)) {
                    record(place, first + row % perWindow, comparison)
                }
            }
        }
    }

    /// One comparison a row; none with `truth` if that is empty.
    private func compare(
        _ logits: [Float],
        _ truth: [Float],
        _ next: [Int32],
        _ vocabulary: Int
    ) -> [TokenComparison] {
        [TokenComparison](unsafeUninitializedCapacity: next.count) { target, filled in
            logits.withUnsafeBufferPointer { logits in
                truth.withUnsafeBufferPointer { truth in
                    guard let logits = logits.baseAddress, let target = target.baseAddress else { return }
                    // Each row is read and written by one call only.
                    nonisolated(unsafe) let cached = logits, place = target,
                        exact = truth.isEmpty ? nil : truth.baseAddress
                    Parallel.forEach(next.count) { row in
                        withUnsafeTemporaryAllocation(of: Float.self, capacity: vocabulary) { scratch in
                            guard let scratch = scratch.baseAddress else { return }
                            let comparison = TokenComparison(
                                cached: cached + row * vocabulary,
                                exact: exact.map { $0 + row * vocabulary },
                                count: vocabulary,
                                next: next[row],
                                scratch: scratch
                            )
                            (place + row).initialize(to: comparison)
                        }
                    }
                }
            }
            filled = next.count
        }
    }
}
