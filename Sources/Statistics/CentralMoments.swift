import Kernels

/// Count, extremes and the first four central moments of a set of elements, in float64.
///
/// NaN and infinity are counted and take no part in anything else. Two sets
/// merge by the pairwise update of Chan, Golub and LeVeque (1979), extended to
/// the fourth power by Pébay (Sandia report SAND2008-6212, 2008). The update
/// rounds, so that results are equal to the bit for one partition merged in
/// one order, and equal to rounding for any other.
public struct CentralMoments: Sendable, Equatable {
    /// Finite elements.
    public private(set) var count = 0
    public private(set) var nanCount = 0
    public private(set) var infinityCount = 0
    /// Smallest finite element; +infinity for none.
    public private(set) var minimum = Double.infinity
    /// Largest finite element; −infinity for none.
    public private(set) var maximum = -Double.infinity
    /// Σ|x|
    public private(set) var absoluteSum = 0.0
    /// Elements of at least each of `magnitudes`; `nil` where they were not counted.
    public private(set) var magnitudeCounts: SIMD2<Int>? = .zero
    /// Σx / n; 0 for none.
    public private(set) var mean = 0.0
    /// Σ(x − mean)^k for k = 2, 3, 4.
    public private(set) var centralSums = CentralSums()

    /// Sums of powers of the distance from the mean.
    public struct CentralSums: Sendable, Equatable {
        public internal(set) var second = 0.0
        public internal(set) var third = 0.0
        public internal(set) var fourth = 0.0
    }

    /// Magnitudes whose elements are counted one by one: the rule of LLM.int8(), the floor of massive activations.
    public static let magnitudes = [6.0, 100.0]

    /// No elements.
    public init() {}

    /// From a kernel's sums of powers about a shift that should lie among the elements.
    ///
    /// The subtraction loses the bits by which Σ(x − shift)^k exceeds Σ(x − mean)^k: about
    /// one for a shift within a standard deviation of the mean, at most log2(n) for any
    /// shift that is one of the elements. Elements equal to the shift give exact zeros.
    ///
    /// - Parameter magnitudeCounts: elements of at least each of `magnitudes`, if they were counted.
    public init(_ block: Moments, magnitudeCounts: SIMD2<Int>? = nil) {
        self.magnitudeCounts = magnitudeCounts ?? (block.count == 0 ? .zero : nil)
        nanCount = block.nanCount
        infinityCount = block.infinityCount
        guard block.count > 0 else { return }
        count = block.count
        minimum = Double(block.minimum)
        maximum = Double(block.maximum)
        absoluteSum = block.sumAbsolute
        let n = Double(count)
        let distance = block.power1 / n
        let square = distance * distance
        mean = Double(block.shift) + distance
        centralSums.second = max(0, block.power2 - n * square)
        centralSums.third = block.power3 - 3 * distance * block.power2 + 2 * n * square * distance
        centralSums.fourth = max(
            0,
            block.power4 - 4 * distance * block.power3 + 6 * square * block.power2 - 3 * n * square * square
        )
    }

    /// Adds the elements of `other`.
    public mutating func merge(_ other: CentralMoments) {
        nanCount += other.nanCount
        infinityCount += other.infinityCount
        guard other.count > 0 else { return }
        guard count > 0 else {
            let (nan, infinity) = (nanCount, infinityCount)
            self = other
            (nanCount, infinityCount) = (nan, infinity)
            return
        }
        let a = Double(count)
        let b = Double(other.count)
        let n = a + b
        let delta = other.mean - mean
        let step = delta / n
        let (left, right) = (centralSums, other.centralSums)
        let spread = delta * step * a * b
        centralSums.fourth =
            left.fourth + right.fourth
            + spread * step * step * (a * a - a * b + b * b)
            + 6 * step * step * (a * a * right.second + b * b * left.second)
            + 4 * step * (a * right.third - b * left.third)
        centralSums.third =
            left.third + right.third
            + spread * step * (a - b)
            + 3 * step * (a * right.second - b * left.second)
        centralSums.second = left.second + right.second + spread
        mean += step * b
        count += other.count
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        absoluteSum += other.absoluteSum
        magnitudeCounts = magnitudeCounts.flatMap { mine in other.magnitudeCounts.map { mine &+ $0 } }
    }
}

extension CentralMoments {
    /// NaN and infinite elements together.
    public var nonfiniteCount: Int { nanCount + infinityCount }

    /// max|x|, or `nil` without finite elements.
    public var absoluteMaximum: Double? { count > 0 ? max(-minimum, maximum) : nil }

    /// Σ|x| / n
    public var meanAbsolute: Double? { count > 0 ? absoluteSum / Double(count) : nil }

    /// Σ(x − mean)² / n, the population variance.
    public var variance: Double? { count > 0 ? centralSums.second / Double(count) : nil }

    /// Root of the population variance.
    public var standardDeviation: Double? { variance?.squareRoot() }

    /// m3 / m2^1.5: 0 for a symmetric distribution, `nil` when all elements are equal.
    public var skewness: Double? {
        guard count > 0, centralSums.second > 0 else { return nil }
        let spread = centralSums.second / Double(count)
        return centralSums.third / Double(count) / (spread * spread.squareRoot())
    }

    /// √(Σx²), or `nil` without finite elements.
    public var norm: Double? {
        guard count > 0 else { return nil }
        return (centralSums.second + Double(count) * mean * mean).squareRoot()
    }

    /// √(Σx² / n)
    public var rootMeanSquare: Double? { norm.map { $0 / Double(count).squareRoot() } }

    /// Elements with |x| ≥ `magnitude`, if they were counted.
    func count(magnitudeAtLeast magnitude: Double) -> Int? {
        guard let counts = magnitudeCounts, let place = Self.magnitudes.firstIndex(of: magnitude) else { return nil }
        return counts[place]
    }

    /// m4 / m2² − 3: 0 for a Gaussian, `nil` when all elements are equal.
    public var excessKurtosis: Double? {
        guard count > 0, centralSums.second > 0 else { return nil }
        let ratio = centralSums.fourth / centralSums.second / centralSums.second
        return Double(count) * ratio - 3
    }
}
