/// A floating-point format of at most eight bits, with subnormal numbers, rounded to nearest, ties to even.
///
/// Sources: OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2); OCP Microscaling Formats 1.0 (E3M2, E2M3, E2M1).
public struct SmallFloat: Sendable, Hashable {
    public let exponentBits: Int
    public let mantissaBits: Int
    public let bias: Int
    /// The largest finite number; what is larger becomes it.
    public let largest: Float
    /// Code of NaN without its sign; `nil` if there is none.
    public let nanCode: UInt32?

    public static let e4m3 = SmallFloat(4, 3, bias: 7, largest: 448, nanCode: 0x7F)
    public static let e5m2 = SmallFloat(5, 2, bias: 15, largest: 57344, nanCode: 0x7F)
    public static let e3m2 = SmallFloat(3, 2, bias: 3, largest: 28, nanCode: nil)
    public static let e2m3 = SmallFloat(2, 3, bias: 1, largest: 7.5, nanCode: nil)
    public static let e2m1 = SmallFloat(2, 1, bias: 1, largest: 6, nanCode: nil)

    private init(_ exponentBits: Int, _ mantissaBits: Int, bias: Int, largest: Float, nanCode: UInt32?) {
        self.exponentBits = exponentBits
        self.mantissaBits = mantissaBits
        self.bias = bias
        self.largest = largest
        self.nanCode = nanCode
    }

    public var bits: Int { 1 + exponentBits + mantissaBits }
    /// Exponent of the largest power of two.
    public var largestExponent: Int { Int(largest.exponent) }

    /// The code of the nearest number; what is beyond the largest becomes it. NaN has the code of NaN, and zero in a
    /// format without one.
    public func encode(_ x: Float) -> UInt32 {
        let sign = x.sign == .minus ? UInt32(1) << UInt32(exponentBits + mantissaBits) : 0
        guard !x.isNaN else { return nanCode.map { sign | $0 } ?? 0 }
        let magnitude = min(abs(x), largest)
        // Spacing of the numbers about the magnitude; below the least normal one it stays.
        let exponent = magnitude == 0 ? 1 - bias : max(Int(magnitude.exponent), 1 - bias)
        let steps = (magnitude * Self.power(mantissaBits - exponent)).rounded(.toNearestOrEven)
        // As integers the codes go up with the numbers, so that a mantissa that overflows raises the exponent.
        return sign | UInt32((exponent + bias - 1) << mantissaBits) + UInt32(steps)
    }

    public func decode(_ code: UInt32) -> Float {
        let signPlace = UInt32(exponentBits + mantissaBits)
        let magnitude = code & ((1 << signPlace) - 1)
        if let nanCode, magnitude >= nanCode || magnitude > encode(largest) { return .nan }
        let exponent = Int(magnitude >> UInt32(mantissaBits)), mantissa = Int(magnitude) & ((1 << mantissaBits) - 1)
        let steps = exponent == 0 ? mantissa : mantissa + (1 << mantissaBits)
        let x = Float(steps) * Self.power(max(exponent, 1) - bias - mantissaBits)
        return code >> signPlace & 1 == 1 ? -x : x
    }

    /// 2 to a power, subnormal ones too.
    static func power(_ exponent: Int) -> Float { Float(sign: .plus, exponent: exponent, significand: 1) }
}
