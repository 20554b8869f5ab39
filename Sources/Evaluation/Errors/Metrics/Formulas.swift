import Quantization

/// The formulas that several metrics apply to different subjects.
enum Formula {
    /// Mean of |x' − x| / |x| over references that are not zero.
    static func meanRelative(_ deviation: Deviation) -> Double? {
        guard deviation.relativeElements > 0 else { return nil }
        return deviation.relativeSum / Double(deviation.relativeElements)
    }

    /// ‖X' − X‖_F / ‖X‖_F; 0 if both are zero, infinite if only the reference is.
    static func relativeFrobenius(_ deviation: Deviation) -> Double? {
        guard deviation.elements > 0 else { return nil }
        if deviation.squaredError == 0 { return 0 }
        return (deviation.squaredError / deviation.squaredReference).squareRoot()
    }
}

extension PaperSource {
    /// The paper whose Table 2 the metrics follow.
    static func kivi(_ place: String) -> PaperSource {
        PaperSource(
            citation: "Liu et al., KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache, ICML 2024",
            place: place,
            link: "https://arxiv.org/abs/2402.02750"
        )
    }
}
