import Inference
import TensorCore

/// The table `decode`.
enum DecodeTable {
    /// What all rows share.
    struct Context {
        let weights: String
        let weightBytes: Int
        let budgetBytes: Int?
    }

    static let empty = Table(
        name: "decode",
        meaning:
            "Generation with one cache: a batch of sequences, each with a prompt of so many tokens, a step at a time. "
            + "Rows without times are batches beyond the budget.",
        columns: [
            .init("cache", .string, "cache; 'kvatlas generate --help' says how names are written"),
            .init("batch", .integer, unit: "sequence", "sequences that are generated together"),
            .init("prompt_tokens", .integer, unit: "token", "tokens in each cache before the first step"),
            .init("output_tokens", .integer, unit: "token", "steps: tokens that each sequence gets after its prompt"),
            .init(
                "tokens_per_second",
                .number,
                unit: "token/s",
                "batch over the mean time of a step, of those that pack what left a window too"
            ),
            .init("step_seconds", .number, unit: "s", "median time of a step of the whole batch"),
            .init("step_spread", .number, "middle half of the steps' times over their median"),
            .init("attention_seconds", .number, unit: "s", "median time of a step's attention in all layers, alone"),
            .init("speed_up", .number, "all steps' time for a token with full-f16 over this one's"),
            .init(
                "attention_speed_up",
                .number,
                "time of attention alone for a token with full-f16 over this one's, in the same round; median"
            ),
            .init(
                "prompt_cache_bytes",
                .integer,
                unit: "byte",
                "memory of all caches after the prompt, unused parts included"
            ),
            .init("cache_bytes", .integer, unit: "byte", "the same after the last step"),
            .init("code_bytes", .integer, unit: "byte", "of them, codes"),
            .init("scale_bytes", .integer, unit: "byte", "of them, scales and minima"),
            .init("full_precision_bytes", .integer, unit: "byte", "of them, tokens in float16 or float32"),
            .init("unused_bytes", .integer, unit: "byte", "of them, the rest of pages and envelopes"),
            .init(
                "peak_cache_bytes",
                .integer,
                unit: "byte",
                "the most that it was at one time, with a layer's prompt before it was packed"
            ),
            .init(
                "resident_bytes",
                .integer,
                unit: "byte",
                "what the resident set shrank by when the caches were given up after the last step"
            ),
            .init(
                "compression",
                .number,
                "after the last step, what full-f16's tokens take over what these take, unused parts left out"
            ),
            .init("weight_bytes", .integer, unit: "byte", "weights as the file has them"),
            .init("peak_bytes", .integer, unit: "byte", "weights and the peak of the caches"),
            .init(
                "needed_bytes",
                .integer,
                unit: "byte",
                "weights and what the caches can take, as it is compared with the budget before they are made"
            ),
            .init("budget_bytes", .integer, unit: "byte", "what weights and one cache's batch may take"),
            .init("largest_batch", .integer, unit: "sequence", "the most sequences within the budget"),
            .init("weights", .string, "real, or how random ones were made"),
        ]
    )

    /// Rows of caches that were measured beside each other.
    static func rows(_ results: [DecodeContestant.Result], _ context: Context) -> [[Table.Value]] {
        let rival = results.first { $0.entry.specification.id == "full-f16" && $0.measured != nil }
        return results.map { row($0, rival: rival, context) }
    }

    private static func row(
        _ result: DecodeContestant.Result,
        rival: DecodeContestant.Result?,
        _ context: Context
    ) -> [Table.Value] {
        func number(_ value: Double?) -> Table.Value { value.map { .number($0) } ?? .missing }
        func integer(_ value: Int?) -> Table.Value { value.map { .integer($0) } ?? .missing }
        let entry = result.entry, own = result.measured, bytes = own?.bytes
        /// Rows of other batches compare by the token.
        func speedUp(_ ratio: (_ rival: DecodeContestant.Measured, _ own: DecodeContestant.Measured) -> Double)
            -> Double?
        {
            guard let own, let rival, let other = rival.measured else { return nil }
            return Double(entry.batch) / Double(rival.entry.batch) * ratio(other, own)
        }
        func compression() -> Double? {
            guard let bytes, let rival, let other = rival.measured else { return nil }
            return Double(other.bytes.used * entry.batch) / Double(bytes.used * rival.entry.batch)
        }
        let rate = own.map { Double(entry.batch * $0.steps.count) / $0.stepSeconds }
        return [
            .string(entry.specification.id), .integer(entry.batch), .integer(entry.prompt), .integer(entry.steps),
            number(rate), number(own.map { SampleStatistics.median($0.steps) }), number(own.map { spread($0.steps) }),
            number(own.map { SampleStatistics.median($0.attention) }),
            number(speedUp { $0.stepSeconds / $1.stepSeconds }),
            number(speedUp { SampleStatistics.medianRatio($0.attention, over: $1.attention) }),
            integer(own?.promptBytes.total), integer(bytes?.total),
            integer(bytes?.codes), integer(bytes?.scales), integer(bytes?.fullPrecision), integer(bytes?.unused),
            integer(own?.peakBytes), integer(own?.residentBytes), number(compression()),
            .integer(context.weightBytes), integer(own.map { context.weightBytes + $0.peakBytes }),
            .integer(context.weightBytes + entry.cacheBytes), integer(context.budgetBytes),
            integer(entry.largestBatch), .string(context.weights),
        ]
    }

    /// (p75 − p25) / median
    private static func spread(_ samples: [Double]) -> Double {
        (SampleStatistics.quantile(0.75, of: samples) - SampleStatistics.quantile(0.25, of: samples))
            / SampleStatistics.median(samples)
    }
}
