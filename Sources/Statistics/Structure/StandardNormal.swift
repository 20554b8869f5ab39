#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The Gaussian of mean 0 and variance 1.
public enum StandardNormal {
    /// Φ(x), the share below x; relative error about 10⁻¹⁵ in both tails.
    public static func distribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    /// Φ⁻¹(p): the x below which lies the share p; absolute error below 10⁻¹² for p from 10⁻³⁰⁰.
    ///
    /// A rational guess (Abramowitz and Stegun, 26.2.23), brought home by Halley's method.
    ///
    /// - Precondition: 0 < p < 1.
    public static func quantile(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "quantile at probability \(p)")
        // The upper half by symmetry: there Φ has no digits to spare.
        guard p <= 0.5 else { return -quantile(1 - p) }
        let t = (-2 * log(p)).squareRoot()
        let numerator = 2.515517 + t * (0.802853 + t * 0.010328)
        let denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
        var x = numerator / denominator - t
        for _ in 0..<3 {
            let step = (distribution(x) - p) * (2 * Double.pi).squareRoot() * exp(x * x / 2)
            x -= step / (1 + x * step / 2)
        }
        return x
    }
}
