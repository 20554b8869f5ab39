import Evaluation
import Inference

/// Analyses that run a model with caches in use, and need no capture.
extension Manifest {
    static func readQuality(_ value: YAMLValue?, _ reader: ManifestReader) -> QualityJobSettings? {
        guard let value else { return nil }
        let base = "analyses.quality"
        let keys = ["caches", "window", "stride", "score", "max_windows", "mode", "block"]
        let fields = reader.mapping(value, base, allowed: keys)
        guard let caches = readCaches(fields["caches"], base, in: value, reader) else { return nil }
        var settings = QualityJobSettings(caches: caches)
        settings.window = reader.integer(fields["window"], "\(base).window", in: 2...Int.max) ?? settings.window
        settings.stride = reader.integer(fields["stride"], "\(base).stride", in: 1...Int.max)
        settings.maximumWindows = reader.integer(fields["max_windows"], "\(base).max_windows", in: 1...Int.max)
        settings.blockTokens = reader.integer(fields["block"], "\(base).block", in: 1...Int.max) ?? settings.blockTokens
        let scorings = QualityStudySettings.Scoring.allCases
        settings.scoring =
            fields["score"].flatMap { reader.name($0, "\(base).score", of: scorings) } ?? settings.scoring
        let modes = QualityStudySettings.Mode.allCases
        settings.mode = fields["mode"].flatMap { reader.name($0, "\(base).mode", of: modes) } ?? settings.mode
        // What each key says may be right and all of them together score no token.
        _ = reader.attempt(value, base) { try settings.study().validate() }
        return settings
    }

    static func readDecode(_ value: YAMLValue?, _ reader: ManifestReader) -> DecodeJobSettings? {
        guard let value else { return nil }
        let base = "analyses.decode"
        let keys = ["caches", "batches", "largest_batch", "prompts", "steps", "budget_bytes"]
        let fields = reader.mapping(value, base, allowed: keys)
        guard let caches = readCaches(fields["caches"], base, in: value, reader) else { return nil }
        var settings = DecodeJobSettings(caches: caches)
        func counts(_ key: String) -> [Int]? {
            reader.list(fields[key], "\(base).\(key)") { reader.integer($0, $1, in: 1...Int.max) }
        }
        settings.batches = counts("batches") ?? settings.batches
        settings.prompts = counts("prompts") ?? settings.prompts
        settings.steps = reader.integer(fields["steps"], "\(base).steps", in: 1...Int.max) ?? settings.steps
        settings.budgetBytes = reader.integer(fields["budget_bytes"], "\(base).budget_bytes", in: 1...Int.max)
        settings.measuresLargestBatch =
            reader.boolean(fields["largest_batch"], "\(base).largest_batch") ?? settings.measuresLargestBatch
        if let largest = fields["largest_batch"], settings.measuresLargestBatch, settings.budgetBytes == nil {
            reader.complain(
                largest,
                "\(base).largest_batch",
                "nothing limits the batch",
                expected: "budget_bytes beside it"
            )
        }
        return settings
    }

    private static func readCaches(
        _ value: YAMLValue?,
        _ base: String,
        in parent: YAMLValue,
        _ reader: ManifestReader
    ) -> [String]? {
        guard let value else {
            reader.complain(parent, "\(base).caches", "the key is missing", expected: "a list of caches")
            return nil
        }
        return reader.list(value, "\(base).caches") { item, key -> String? in
            guard let text = reader.string(item, key) else { return nil }
            return reader.attempt(item, key) { try CacheSpecification(parsing: text).id }
        }
    }
}
