import Kernels

/// A histogram over logarithmic bins: 32 to an octave, exact counts, fixed size.
///
/// A bin is named by the upper 11 bits of a float16 (sign, exponent, five bits
/// of mantissa), so that recording a float16 is one shift and one increment and
/// any two sketches merge by adding counters: in every order, to the same bits.
///
/// A bin's width is 1/32 of the power of two it begins in, hence a quantile read
/// from it differs from the true order statistic by at most 1/32 of its
/// magnitude (`relativeError`). Below 2⁻¹⁴ the bins are 2⁻¹⁹ wide
/// (`absoluteErrorNearZero`); magnitudes above 65,504, which only float32 has,
/// share the last bin. Counts of magnitudes at or above a bin's edge are exact:
/// 6 and 100, thresholds in use, are edges.
public struct QuantileSketch: Sendable, Equatable {
    /// Sign, five bits of exponent, five bits of mantissa.
    public static let binCount = MomentSweep.binCount
    /// Bins of one sign that hold finite values; those after them count infinities and NaN.
    static let finiteBinsPerSign = 992
    static let binsPerSign = 1024
    /// Bound on |estimate − order statistic| / |order statistic| for magnitudes from 2⁻¹⁴ to 65,504.
    public static let relativeError = 1.0 / 32
    /// Bound on |estimate − order statistic| below a magnitude of 2⁻¹⁴.
    public static let absoluteErrorNearZero = 0x1p-19

    /// Elements in each bin, by sign and magnitude.
    public private(set) var counts: [UInt64]

    public init() {
        counts = [UInt64](repeating: 0, count: Self.binCount)
    }

    /// Adds the elements of `other`.
    public mutating func merge(_ other: QuantileSketch) { add(other.counts[...]) }

    /// Adds one channel's counters of the same bins.
    mutating func add(_ counters: ArraySlice<some FixedWidthInteger>) {
        precondition(counters.count == counts.count, "\(counters.count) counters")
        counters.withUnsafeBufferPointer { counters in
            counts.withUnsafeMutableBufferPointer { counts in
                for bin in counts.indices { counts[bin] &+= UInt64(counters[bin]) }
            }
        }
    }

    /// Records one float16, given by its bits.
    public mutating func record(half bits: UInt16) {
        counts[Self.bin(half: bits)] += 1
    }

    /// Records one float32.
    public mutating func record(_ value: Float) {
        counts[Self.bin(value)] += 1
    }
}

extension QuantileSketch {
    /// The bin of a float16, given by its bits.
    @inline(__always)
    static func bin(half bits: UInt16) -> Int { Int(bits &>> 5) }

    /// The bin into which the float16 next to `value` towards zero falls.
    @inline(__always)
    static func bin(_ value: Float) -> Int {
        let bits = value.bitPattern
        let sign = Int(bits &>> 31) &* binsPerSign
        let magnitude = Float(bitPattern: bits & 0x7FFF_FFFF)
        // A float32 has three exponent bits more: 112 is the difference of the two biases.
        let octaveAndMantissa = Int((bits & 0x7FFF_FFFF) &>> 18) &- 112 &* 32
        if magnitude < 0x1p-14 { return sign &+ Int(magnitude * 0x1p19) }
        if magnitude.isFinite { return sign &+ min(octaveAndMantissa, finiteBinsPerSign &- 1) }
        // Sixteen bins on is the quiet NaN.
        return sign &+ finiteBinsPerSign &+ (magnitude.isNaN ? 16 : 0)
    }

    /// The smallest magnitude of a bin, by its place within its sign.
    static func edge(_ place: Int) -> Double {
        let (octave, step) = place.quotientAndRemainder(dividingBy: 32)
        guard octave > 0 else { return Double(step) * 0x1p-19 }
        return Double(sign: .plus, exponent: octave - 15, significand: 1 + Double(step) / 32)
    }
}
