/// Extremes and sums of one set of numbers, mergeable; powers are of x − shift.
///
/// NaN and infinity are counted and otherwise left out. A shift near the mean
/// keeps the higher moments accurate.
public struct Moments: Sendable, Equatable {
    public var shift: Float
    /// Finite elements.
    public var count = 0
    public var nanCount = 0
    public var infinityCount = 0
    /// +∞ when there is no finite element.
    public var minimum = Float.infinity
    /// −∞ when there is no finite element.
    public var maximum = -Float.infinity
    /// Σ|x|
    public var sumAbsolute = 0.0
    /// Σ(x − shift)
    public var power1 = 0.0
    /// Σ(x − shift)²
    public var power2 = 0.0
    /// Σ(x − shift)³
    public var power3 = 0.0
    /// Σ(x − shift)⁴
    public var power4 = 0.0

    public init(shift: Float = 0) { self.shift = shift }

    public var nonfiniteCount: Int { nanCount + infinityCount }
    /// Largest |x|, NaN when there is no finite element.
    public var absoluteMaximum: Float { count == 0 ? .nan : max(abs(minimum), abs(maximum)) }
    /// Σx
    public var sum: Double { power1 + Double(count) * Double(shift) }
    public var mean: Double { Double(shift) + power1 / Double(count) }
    public var meanAbsolute: Double { sumAbsolute / Double(count) }
    /// Σ(x − mean)² / count, the population's.
    public var variance: Double { max(0, central.second) }
    public var standardDeviation: Double { variance.squareRoot() }
    /// Fourth central moment over squared variance, less 3; NaN for a constant.
    public var excessKurtosis: Double {
        let (second, _, fourth) = central
        return second > 0 ? fourth / (second * second) - 3 : .nan
    }
    /// Third central moment over the cube of the standard deviation; NaN for a constant.
    public var skewness: Double {
        let (second, third, _) = central
        return second > 0 ? third / (second * second.squareRoot()) : .nan
    }

    /// Adds another set, whatever its shift.
    public mutating func merge(_ other: Moments) {
        var other = other
        other.move(to: shift)
        nanCount += other.nanCount
        infinityCount += other.infinityCount
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        sumAbsolute += other.sumAbsolute
        power1 += other.power1
        power2 += other.power2
        power3 += other.power3
        power4 += other.power4
        count += other.count
    }

    /// The same set about another shift, by the binomial theorem.
    public mutating func move(to newShift: Float) {
        let step = Double(shift) - Double(newShift)
        if step == 0 { return }
        let n = Double(count), step2 = step * step
        power4 += 4 * step * power3 + 6 * step2 * power2 + 4 * step2 * step * power1 + n * step2 * step2
        power3 += 3 * step * power2 + 3 * step2 * power1 + n * step2 * step
        power2 += 2 * step * power1 + n * step2
        power1 += n * step
        shift = newShift
    }

    /// Central moments of order two to four.
    private var central: (second: Double, third: Double, fourth: Double) {
        let n = Double(count)
        let d = power1 / n, second = power2 / n, third = power3 / n, fourth = power4 / n
        return (
            second - d * d,
            third - 3 * d * second + 2 * d * d * d,
            fourth - 4 * d * third + 6 * d * d * second - 3 * d * d * d * d
        )
    }
}
