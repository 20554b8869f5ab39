import Quantization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Mean of |x' − x| / |x|, the reading of KIVI's ‖(X − X')/X‖ that gives numbers of its size.
///
/// Dominated by elements near zero: compare ratios of it, not digits.
public enum MeanAbsoluteRelativeError: ErrorMetric {
    public static let id = "mean_absolute_relative_error"
    public static let unit = ""
    public static let definition =
        "mean over a head's elements of |x' - x| / |x|; elements with x = 0 are left out"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.reconstruction
    public static let source = PaperSource.kivi("§3.2, Table 2, first row of keys and of values")
    public static func value(_ deviation: Deviation) -> Double? { Formula.meanRelative(deviation) }
}

/// ‖X' − X‖_F / ‖X‖_F, the stable companion of the mean relative error.
public enum RelativeFrobenius: ErrorMetric {
    public static let id = "relative_frobenius"
    public static let unit = ""
    public static let definition = "Frobenius norm of X' - X over that of X, per head"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.reconstruction
    public static let source = PaperSource.kivi("§3.2, in the usual meaning of the norm")
    public static func value(_ deviation: Deviation) -> Double? { Formula.relativeFrobenius(deviation) }
}

/// Mean of (x' − x)².
public enum MeanSquaredError: ErrorMetric {
    public static let id = "mse"
    public static let unit = ""
    public static let definition = "mean over a head's elements of (x' - x)^2"
    public static let direction = MetricDirection.lowerIsBetter
    public static let subject = MetricSubject.reconstruction
    public static let source = PaperSource(citation: "textbook", place: "", link: "")
    public static func value(_ deviation: Deviation) -> Double? {
        deviation.elements == 0 ? nil : deviation.squaredError / Double(deviation.elements)
    }
}

/// 10 · log₁₀(Σ x² / Σ (x' − x)²); infinite for an exact copy, and written `inf`.
public enum SignalToNoise: ErrorMetric {
    public static let id = "sqnr_db"
    public static let unit = "dB"
    public static let definition =
        "10 log10(sum x^2 / sum (x' - x)^2) per head; inf if nothing differs, also in means over heads"
    public static let direction = MetricDirection.higherIsBetter
    public static let subject = MetricSubject.reconstruction
    public static let source = PaperSource(citation: "textbook", place: "", link: "")
    public static func value(_ deviation: Deviation) -> Double? {
        guard deviation.elements > 0 else { return nil }
        guard deviation.squaredError != 0 else { return .infinity }
        return 10 * log10(deviation.squaredReference / deviation.squaredError)
    }
}
