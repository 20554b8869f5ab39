import Inference
import TensorCore

/// The table `decode`.
enum DecodeTable {
    /// Seconds of one thing with one cache, beside those with a float16 cache in the same rounds.
    struct Times {
        let median: Double
        /// (p75 − p25) / median
        let spread: Double
        let speedUp: Double?

        init(_ samples: [Double], rival: [Double]?) {
            median = SampleStatistics.median(samples)
            spread =
                (SampleStatistics.quantile(0.75, of: samples) - SampleStatistics.quantile(0.25, of: samples)) / median
            speedUp = rival.map { SampleStatistics.medianRatio($0, over: samples) }
        }
    }

    static let empty = Table(
        name: "decode",
        meaning:
            "Generation with one cache: a batch of sequences, each with a prompt of so many tokens, a step at a time.",
        columns: [
            .init("cache", .string, "cache; 'kvatlas generate --help' says how names are written"),
            .init("batch", .integer, unit: "sequence", "sequences that are generated together"),
            .init("prompt_tokens", .integer, unit: "token", "tokens in each cache before the first step"),
            .init("tokens_per_second", .number, unit: "token/s", "batch over the median time of a step"),
            .init("step_seconds", .number, unit: "s", "median time of a step of the whole batch"),
            .init("step_spread", .number, "middle half of the steps' times over their median"),
            .init("attention_seconds", .number, unit: "s", "median time of a step's attention in all layers, alone"),
            .init("speed_up", .number, "time of a step with full-f16 over this one's, in the same round; median"),
            .init("attention_speed_up", .number, "the same of attention alone"),
            .init(
                "cache_bytes",
                .integer,
                unit: "byte",
                "memory of all caches after the prompt, unused parts included"
            ),
            .init("code_bytes", .integer, unit: "byte", "of them, codes"),
            .init("scale_bytes", .integer, unit: "byte", "of them, scales and minima"),
            .init("full_precision_bytes", .integer, unit: "byte", "of them, tokens in float16 or float32"),
            .init("unused_bytes", .integer, unit: "byte", "of them, the rest of pages and envelopes"),
            .init("resident_bytes", .integer, unit: "byte", "growth of the resident set while the caches were filled"),
            .init("compression", .number, "what full-f16's tokens take over what these take, unused parts left out"),
            .init("weight_bytes", .integer, unit: "byte", "weights as the file has them"),
            .init("peak_bytes", .integer, unit: "byte", "weights and caches"),
            .init(
                "largest_batch",
                .integer,
                unit: "sequence",
                "sequences at full length within the budget; missing without"
            ),
            .init("weights", .string, "real, or how random ones were made"),
        ]
    )

    static func row(
        cache: String,
        batch: Int,
        prompt: Int,
        steps: Times,
        attention: Times,
        bytes: CacheBytes,
        rivalBytes: CacheBytes?,
        residentBytes: Int?,
        weightBytes: Int,
        largestBatch: Int?,
        weights: String
    ) -> [Table.Value] {
        func number(_ value: Double?) -> Table.Value { value.map { .number($0) } ?? .missing }
        func integer(_ value: Int?) -> Table.Value { value.map { .integer($0) } ?? .missing }
        return [
            .string(cache), .integer(batch), .integer(prompt), .number(Double(batch) / steps.median),
            .number(steps.median), .number(steps.spread), .number(attention.median), number(steps.speedUp),
            number(attention.speedUp), .integer(bytes.total), .integer(bytes.codes), .integer(bytes.scales),
            .integer(bytes.fullPrecision), .integer(bytes.unused), integer(residentBytes),
            number(rivalBytes.map { Double($0.used) / Double(bytes.used) }), .integer(weightBytes),
            .integer(weightBytes + bytes.total), integer(largestBatch), .string(weights),
        ]
    }
}
