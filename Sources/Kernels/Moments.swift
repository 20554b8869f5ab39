internal import CKernels

/// Extremes and sums of one set of numbers; powers are of x − shift.
///
/// NaN and infinity are counted and otherwise left out. A shift near the mean
/// keeps the higher central moments accurate that are derived from them.
public struct Moments: Sendable {
    /// As the kernels write it, so that an array of moments is handed to them as it is.
    var record: kva_moments

    public init(shift: Float = 0) {
        record = kva_moments()
        record.minimum = .infinity
        record.maximum = -.infinity
        record.shift = shift
    }

    public var shift: Float {
        get { record.shift }
        set { record.shift = newValue }
    }
    /// Finite elements.
    public var count: Int {
        get { Int(record.count) }
        set { record.count = UInt64(newValue) }
    }
    public var nanCount: Int {
        get { Int(record.nan_count) }
        set { record.nan_count = UInt64(newValue) }
    }
    public var infinityCount: Int {
        get { Int(record.infinity_count) }
        set { record.infinity_count = UInt64(newValue) }
    }
    /// +∞ when there is no finite element.
    public var minimum: Float {
        get { record.minimum }
        set { record.minimum = newValue }
    }
    /// −∞ when there is no finite element.
    public var maximum: Float {
        get { record.maximum }
        set { record.maximum = newValue }
    }
    /// Σ|x|
    public var sumAbsolute: Double {
        get { record.sum_absolute }
        set { record.sum_absolute = newValue }
    }
    /// Σ(x − shift)
    public var power1: Double {
        get { record.power1 }
        set { record.power1 = newValue }
    }
    /// Σ(x − shift)²
    public var power2: Double {
        get { record.power2 }
        set { record.power2 = newValue }
    }
    /// Σ(x − shift)³
    public var power3: Double {
        get { record.power3 }
        set { record.power3 = newValue }
    }
    /// Σ(x − shift)⁴
    public var power4: Double {
        get { record.power4 }
        set { record.power4 = newValue }
    }
    /// max|x|, or `nil` without finite elements.
    public var absoluteMaximum: Float? { count > 0 ? max(-minimum, maximum) : nil }
}

extension Moments: Equatable {
    public static func == (left: Moments, right: Moments) -> Bool {
        (left.shift, left.minimum, left.maximum) == (right.shift, right.minimum, right.maximum)
            && (left.count, left.nanCount, left.infinityCount) == (right.count, right.nanCount, right.infinityCount)
            && (left.sumAbsolute, left.power1, left.power2, left.power3, left.power4)
                == (right.sumAbsolute, right.power1, right.power2, right.power3, right.power4)
    }
}
