import Kernels

/// How a scale, a minimum or a norm is stored. What is not a float of the machine is rounded to nearest, ties to even.
public enum MetadataFormat: String, Sendable, Codable, CaseIterable {
    case float16 = "f16"
    case bfloat16 = "bf16"
    case float32 = "f32"
    /// FP8, 4 exponent bits and 3 of the mantissa, at most 448: saturates.
    case e4m3

    /// As tables write it.
    var typeName: String {
        switch self {
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .float32: "float32"
        case .e4m3: "e4m3"
        }
    }

    var byteCount: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32: 4
        case .e4m3: 1
        }
    }

    /// What is read back of a number.
    func rounded(_ x: Float) -> Float {
        switch self {
        case .float16: HalfConversion.toFloat(HalfConversion.toHalf(x))
        case .bfloat16: Float(bitPattern: UInt32(Self.bfloat16Bits(x)) << 16)
        case .float32: x
        case .e4m3: SmallFloat.e4m3.decode(SmallFloat.e4m3.encode(x))
        }
    }

    func bytes(of x: [Float]) -> [UInt8] {
        switch self {
        case .float16: LittleEndian.bytes(of: HalfConversion.toHalf(x))
        case .bfloat16: LittleEndian.bytes(of: x.map { Self.bfloat16Bits($0) })
        case .float32: x.flatMap { x in (0..<4).map { UInt8(truncatingIfNeeded: x.bitPattern >> (8 * $0)) } }
        case .e4m3: x.map { UInt8(SmallFloat.e4m3.encode($0)) }
        }
    }

    /// - Precondition: a multiple of ``byteCount`` bytes.
    func floats(of bytes: ArraySlice<UInt8>) -> [Float] {
        switch self {
        case .float16: HalfConversion.toFloat(LittleEndian.words(of: bytes))
        case .bfloat16: LittleEndian.words(of: bytes).map { Float(bitPattern: UInt32($0) << 16) }
        case .float32:
            stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { first in
                Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * UInt32($1)) })
            }
        case .e4m3: bytes.map { SmallFloat.e4m3.decode(UInt32($0)) }
        }
    }

    private static func bfloat16Bits(_ x: Float) -> UInt16 {
        let bits = x.bitPattern
        if x.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }
}
