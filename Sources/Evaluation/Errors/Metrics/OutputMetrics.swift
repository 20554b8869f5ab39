import Quantization

/// Attention output with cached keys and exact values.
public enum OutputErrorOfKeys: ErrorMetric {
    public static let id = "output_error_key"
    public static let unit = ""
    public static let definition =
        "Frobenius norm of A' V - A V over that of A V, per query head; mean over the query heads of a kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfKeys
    public static let source = PaperSource.kivi("§3.2, the norm of Δ, keys alone")
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// The same, as a mean over elements.
public enum OutputErrorOfKeysElementwise: ErrorMetric {
    public static let id = "output_error_key_elementwise"
    public static let unit = ""
    public static let definition = "mean over elements o of A V of |o' - o| / |o|, with o' of A' V; o = 0 is left out"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfKeys
    public static let source = PaperSource.kivi("§3.2, Δ read element-wise, keys alone")
    public static func value(_ deviation: Deviation) -> Double? { Formula.meanRelative(deviation) }
}

/// Attention output with exact keys and cached values: KIVI's Δ.
public enum OutputErrorOfValues: ErrorMetric {
    public static let id = "output_error_value"
    public static let unit = ""
    public static let definition =
        "Frobenius norm of A V' - A V over that of A V, per query head; mean over the query heads of a kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfValues
    public static let source = PaperSource.kivi("§3.2, Table 2, Δ in the usual meaning of the norm")
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// The same, as a mean over elements: the reading to set beside the paper's Δ.
public enum OutputErrorOfValuesElementwise: ErrorMetric {
    public static let id = "output_error_value_elementwise"
    public static let unit = ""
    public static let definition = "mean over elements o of A V of |o' - o| / |o|, with o' of A V'; o = 0 is left out"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfValues
    public static let source = PaperSource.kivi("§3.2, Table 2, Δ read element-wise")
    public static func value(_ deviation: Deviation) -> Double? { Formula.meanRelative(deviation) }
}

/// Attention output with keys and values from the cache.
public enum OutputErrorOfBoth: ErrorMetric {
    public static let id = "output_error_pair"
    public static let unit = ""
    public static let definition =
        "Frobenius norm of A' V' - A V over that of A V, per query head; mean over the query heads of a kv head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfBoth
    public static let source = PaperSource.kivi("§3.2, the norm of Δ, keys and values")
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// The same, as a mean over elements.
public enum OutputErrorOfBothElementwise: ErrorMetric {
    public static let id = "output_error_pair_elementwise"
    public static let unit = ""
    public static let definition = "mean over elements o of A V of |o' - o| / |o|, with o' of A' V'; o = 0 is left out"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.outputOfBoth
    public static let source = PaperSource.kivi("§3.2, Δ read element-wise, keys and values")
    public static func value(_ deviation: Deviation) -> Double? { Formula.meanRelative(deviation) }
}
