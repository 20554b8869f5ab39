import Inference
import TensorCore

/// The tables `quality` and `quality-by-position`.
enum QualityTables {
    private static let scope: [Table.Column] = [
        .init("cache", .string, "cache; 'kvatlas generate --help' says how names are written")
    ]

    private static let scores: [Table.Column] = [
        .init("tokens", .integer, unit: "token", "scored tokens"),
        .init(
            "non_finite_tokens",
            .integer,
            unit: "token",
            "of them, those with a logit that is NaN or infinite; if there are any, what follows is missing"
        ),
        .init("loss", .number, unit: "nat", "mean of -ln p(right token)"),
        .init("perplexity", .number, "exp(loss)"),
    ]

    private static let divergences: [Table.Column] = [
        .init(
            "divergence_mean",
            .number,
            unit: "nat",
            "mean over tokens of KL(full float32 || cache) of the next token"
        ),
        .init("divergence_median", .number, unit: "nat", "median of the same"),
        .init("divergence_p90", .number, unit: "nat", "90 % of tokens have at most this"),
        .init("divergence_p95", .number, unit: "nat", "95 % of tokens have at most this"),
        .init("divergence_p99", .number, unit: "nat", "99 % of tokens have at most this"),
        .init("divergence_p999", .number, unit: "nat", "99.9 % of tokens have at most this"),
        .init("divergence_max", .number, unit: "nat", "largest"),
        .init(
            "top1_agreement",
            .number,
            "share of tokens where cache and full precision find the same likeliest token"
        ),
        .init("top1_low", .number, "lower end of its 95 % Wilson interval, tokens taken as independent"),
        .init("top1_high", .number, "upper end"),
        .init("probability_change", .number, "mean change of the right token's probability"),
        .init("probability_change_rms", .number, "root of its mean square"),
    ]

    private static let conditions: [Table.Column] = [
        .init(
            "mode",
            .string,
            "exact: unscored tokens are an exact prompt, the rest comes in blocks; in-place: at once"
        ),
        .init("prefill", .string, "what tokens that come together see of each other; missing for full caches"),
        .init(
            "order",
            .string,
            "when a token that comes alone is packed; missing for full caches and where none comes alone"
        ),
        .init(
            "accuracy",
            .string,
            "products with codes as they were made: fast, exact, or both by the length of blocks; missing without codes"
        ),
        .init("window", .integer, unit: "token", "tokens of a window"),
        .init("block", .integer, unit: "token", "tokens that come together; missing in-place"),
        .init("scoring", .string, "second-half: tokens with half a window before them; all: all but the first"),
        .init("windows", .integer, "windows of the text"),
        .init(
            "bits_asymptotic",
            .number,
            unit: "bit",
            "bits an element, mean of keys and values, as tokens go to infinity: codes and metadata with padding, no "
                + "window; of simulated caches, those of the scheme; missing where they depend on the data"
        ),
    ]

    /// - Parameter shape: of the model's caches, for the bits that they take.
    static func tables(
        _ results: [QualityResult],
        settings: QualityStudySettings,
        windows: Int,
        shape: CacheShape
    ) -> [Table] {
        let measured = settings.isCompared ? scores + divergences : scores
        var whole = Table(
            name: "quality",
            meaning: "How well the model predicts the text with one cache, and how far it is from a float32 cache.",
            columns: scope + measured + conditions
        )
        var byPosition = Table(
            name: "quality-by-position",
            meaning: "The same for the tokens of one part of the windows.",
            columns: scope + [
                .init("first_position", .integer, unit: "token", "first position of the part, from 0"),
                .init("end_position", .integer, unit: "token", "position after the last"),
            ] + measured
        )
        for (cache, result) in zip(settings.caches, results) {
            whole.append(
                [.string(cache.id)] + cells(result.summary(), settings) + conditions(of: cache, settings)
                    + [.integer(windows), cache.bitsAsymptotic(shape: shape).map { .number($0) } ?? .missing]
            )
            for bucket in result.buckets {
                let summary = result.summary(of: bucket)
                guard summary.tokens > 0 else { continue }
                byPosition.append(
                    [.string(cache.id), .integer(bucket.lowerBound), .integer(bucket.upperBound)]
                        + cells(summary, settings)
                )
            }
        }
        return [whole, byPosition]
    }

    private static func conditions(of cache: CacheSpecification, _ settings: QualityStudySettings) -> [Table.Value] {
        func text(_ value: String?) -> Table.Value { value.map { .string($0) } ?? .missing }
        return [
            .string(settings.mode.rawValue), text(cache.prefill?.rawValue), text(settings.order(of: cache)),
            text(settings.accuracy(of: cache)), .integer(settings.window),
            settings.mode == .exact ? .integer(settings.blockTokens) : .missing, .string(settings.scoring.rawValue),
        ]
    }

    private static func cells(_ summary: QualitySummary, _ settings: QualityStudySettings) -> [Table.Value] {
        func number(_ value: Double) -> Table.Value { value.isNaN ? .missing : .number(value) }
        let scores: [Table.Value] = [
            .integer(summary.tokens), .integer(summary.nonFiniteTokens), number(summary.meanLoss),
            number(summary.perplexity),
        ]
        guard settings.isCompared else { return scores }
        let interval = summary.agreementInterval
        let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999, 1].map { number(summary.divergence(quantile: $0)) }
        return scores + [number(summary.meanDivergence)] + quantiles + [
            number(summary.agreement), number(interval.low), number(interval.high),
            number(summary.meanProbabilityChange), number(summary.probabilityChangeSpread),
        ]
    }
}
