import Benchmarks
import Evaluation
import Inference
import TensorCore

/// What a manifest says of a quality study: caches by name, and on which tokens they are compared.
public struct QualityJobSettings: Sendable, Equatable, Codable {
    public var caches: [String]
    public var window = 512
    public var stride: Int?
    public var scoring = QualityStudySettings.Scoring.secondHalf
    public var maximumWindows: Int?
    public var mode = QualityStudySettings.Mode.exact
    public var blockTokens = 32

    /// - Throws: what parsing a cache's name throws.
    func study() throws -> QualityStudySettings {
        var settings = QualityStudySettings(
            caches: try caches.map { try CacheSpecification(parsing: $0, prefill: mode.prefill) }
        )
        settings.window = window
        settings.stride = stride
        settings.scoring = scoring
        settings.maximumWindows = maximumWindows
        settings.mode = mode
        settings.blockTokens = blockTokens
        return settings
    }
}

/// What a manifest says of a timing of generation.
public struct DecodeJobSettings: Sendable, Equatable, Codable {
    public var caches: [String]
    public var batches = [1, 4, 16]
    /// Whether each cache is also measured with the largest batch that the budget has room for.
    public var measuresLargestBatch = false
    public var prompts = [161]
    public var steps = 32
    public var budgetBytes: Int?
}

extension Table {
    /// The same rows behind a first column that has one value in all.
    func with(_ column: Column, _ value: Value) -> Table {
        var table = Table(name: name, meaning: meaning, columns: [column] + columns)
        for row in rows { table.append([value] + row) }
        return table
    }
}
