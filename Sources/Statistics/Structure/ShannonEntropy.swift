#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The information in a choice whose outcomes were counted.
public enum ShannonEntropy {
    /// −Σ p log₂ p with p = count / Σ counts, in bits; `nil` for no outcome.
    ///
    /// This is what an ideal coder spends an outcome if it knows the frequencies (Shannon, 1948).
    public static func bits(_ counts: some Sequence<Int>) -> Double? {
        let seen = counts.filter { $0 > 0 }
        let total = Double(seen.reduce(0, +))
        guard total > 0 else { return nil }
        return max(0, -seen.reduce(0) { $0 + Double($1) / total * log2(Double($1) / total) })
    }
}
