/// Extremes and sums of one set of numbers; powers are of x − shift.
///
/// NaN and infinity are counted and otherwise left out. A shift near the mean
/// keeps the higher central moments accurate that are derived from them.
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
}
