import Inference
import TensorCore

/// How well a model predicts a text with each of several caches, and how far it is from full precision.
///
/// Windows of the text are independent sequences; where the model begins a text with a token of its own, so does each
/// window, as llama.cpp has it. All caches read the same tokens in the same blocks, beside one
/// float32 cache that serves them all as the reference.
public enum QualityStudy {
    /// - Parameters:
    ///   - progress: told the part done, before each block of each layer; what it throws ends the study.
    ///   - unfinished: takes the tables of the windows that were done if the study ends early and there are any.
    /// - Returns: `quality`, a row a cache, and `quality-by-position`.
    /// - Throws: `ModelError` for settings or a text that does not fit; what `progress` throws.
    /// - Complexity: O(windows · window) tokens through the model for each cache. Memory: each cache four times, or
    ///   once if windows are read in place, and the logits of 128 tokens twice.
    public static func run(
        model: LanguageModel,
        tokens: [Int32],
        settings: QualityStudySettings,
        progress: (Double) throws -> Void = { _ in },
        unfinished: ([Table]) -> Void = { _ in }
    ) throws -> [Table] {
        try settings.validate(for: model)
        let starts = try settings.windows(of: tokens.count)
        // A model that begins its texts with a token gets it in each window, in the place of the window's first.
        let begin = model.tokenizer.beginToken
        var results = settings.caches.map { _ in QualityResult(positions: settings.window) }
        var done = 0
        do {
            while done < starts.count {
                let batch = starts[done..<min(starts.count, done + settings.windowsTogether)].map { start in
                    (begin.map { [$0] } ?? []) + tokens[start + (begin == nil ? 0 : 1)..<start + settings.window]
                }
                let found = try QualityBatch(model: model, windows: batch, settings: settings).run { part in
                    try progress((Double(done) + part * Double(batch.count)) / Double(starts.count))
                }
                for place in results.indices { results[place].add(found[place]) }
                done += batch.count
            }
        } catch {
            if done > 0 { unfinished(QualityTables.tables(results, settings: settings, windows: done)) }
            throw error
        }
        return QualityTables.tables(results, settings: settings, windows: starts.count)
    }
}
