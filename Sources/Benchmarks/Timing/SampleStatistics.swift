/// Order statistics of samples; a few wild ones do not move them.
public enum SampleStatistics {
    /// The value below which `fraction` of the samples lie, interpolated linearly between neighbours.
    /// - Precondition: there are samples, none is NaN, and 0 ≤ `fraction` ≤ 1.
    public static func quantile(_ fraction: Double, of samples: [Double]) -> Double {
        precondition(!samples.isEmpty && fraction >= 0 && fraction <= 1, "quantile \(fraction) of \(samples)")
        let sorted = samples.sorted()
        let place = fraction * Double(sorted.count - 1)
        let below = Int(place)
        guard below + 1 < sorted.count else { return sorted[below] }
        return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
    }

    /// The middle sample, or the mean of the two middle ones.
    public static func median(_ samples: [Double]) -> Double { quantile(0.5, of: samples) }

    /// (p75 − p25) / median: the width of the middle half of the samples as a part of the median.
    public static func spread(_ samples: [Double]) -> Double {
        (quantile(0.75, of: samples) - quantile(0.25, of: samples)) / median(samples)
    }

    /// The median of the ratios of samples that were taken in the same round.
    /// - Precondition: as many numerators as denominators.
    public static func medianRatio(_ numerators: [Double], over denominators: [Double]) -> Double {
        precondition(numerators.count == denominators.count, "samples of different rounds")
        return median(zip(numerators, denominators).map { $0 / $1 })
    }
}
