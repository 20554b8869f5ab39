import Quantization

/// Mean of |A − A'| / A over causal attention weights that float16 can hold.
///
/// KIVI's code keeps A in float16, where weights below 2⁻²⁵ are zero and so have no relative
/// error. With them in float32 the mean would say only how small the smallest weight is: with
/// outlier keys it reaches 10²⁹.
public enum ScoreRelativeError: ErrorMetric {
    /// The largest weight that float16 rounds to zero.
    public static let floor: Float = 0x1p-25

    public static let id = "score_relative_error"
    public static let unit = ""
    public static let definition =
        "mean over causal entries of |A' - A| / A, with A = softmax(q K^T / sqrt(D)) and A' the same with cached keys; "
        + "entries where A is 0 in float16 (at most 2^-25) are left out; mean over the query heads of a kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.scores
    public static let source = PaperSource.kivi("§3.2, Table 2, attention score")
    public static func value(_ deviation: Deviation) -> Double? { Formula.meanRelative(deviation) }
}

/// ‖A' − A‖_F / ‖A‖_F over causal attention weights.
public enum ScoreRelativeFrobenius: ErrorMetric {
    public static let id = "score_relative_frobenius"
    public static let unit = ""
    public static let definition =
        "Frobenius norm of A' - A over that of A, causal entries of a query head; mean over the query heads of a kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.scores
    public static let source = PaperSource.kivi("§3.2, in the usual meaning of the norm")
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// √(Σ_t δk_t Σ_Q δk_tᵀ / Σ_t k_t Σ_Q k_tᵀ): the part of the keys' error that queries can see.
public enum QueryWeightedKeyError: ErrorMetric {
    public static let id = "key_query_weighted_error"
    public static let unit = ""
    public static let definition =
        "root of sum over tokens of dk S dk^T over that of k S k^T, with dk = k' - k and S the mean of q^T q over the "
        + "sampled queries of the kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.queriedKeys
    public static let source = PaperSource(
        citation: "OSCAR: 2-bit KV cache quantization by covariance-aware rotation, 2026",
        place: "the keys' objective",
        link: "https://arxiv.org/abs/2605.17757"
    )
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// Share of causal attention weights that are negligible.
public enum AttentionSparsity: ErrorMetric {
    /// An entry is negligible below this part of its row's maximum; the paper names no threshold.
    public static let threshold: Float = 0.01

    public static let id = "attention_sparsity"
    public static let unit = ""
    public static let definition =
        "share of causal entries of the exact A below 1 % of their row's maximum; a property of the model, "
        + "given with the identity scheme; mean over the query heads of a kv head"
    public static let direction = MetricDirection.descriptive
    public static let subject = MetricSubject.attention
    public static let source = PaperSource.kivi("§3.2, Table 2, attention sparsity (threshold not given there)")
    public static func value(_ deviation: Deviation) -> Double? {
        deviation.elements == 0 ? nil : Double(deviation.negligible) / Double(deviation.elements)
    }
}
