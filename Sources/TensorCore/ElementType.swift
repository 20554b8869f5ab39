/// How numbers are stored: plain floating point, or one of GGUF's block types.
///
/// A block type packs `elementsPerBlock` neighbours of one row together with
/// their scales; a row's length is always a multiple of it. Names follow ggml.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
    case float32 = "f32"
    case float16 = "f16"
    case bfloat16 = "bf16"
    case q4_0
    case q4_1
    case q5_0
    case q5_1
    case q8_0
    case iq4NL = "iq4_nl"
    case q2K = "q2_K"
    case q3K = "q3_K"
    case q4K = "q4_K"
    case q5K = "q5_K"
    case q6K = "q6_K"
    case iq4XS = "iq4_xs"

    /// Elements that share one block; 1 for plain floating point.
    public var elementsPerBlock: Int {
        switch self {
        case .float32, .float16, .bfloat16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4NL: 32
        case .q2K, .q3K, .q4K, .q5K, .q6K, .iq4XS: 256
        }
    }

    /// Bytes of one block, scales included.
    public var bytesPerBlock: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q4_0, .iq4NL: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q2K: 84
        case .q3K: 110
        case .q4K: 144
        case .q5K: 176
        case .q6K: 210
        case .iq4XS: 136
        }
    }

    /// Stored bits for one element, metadata included.
    public var bitsPerElement: Double { 8 * Double(bytesPerBlock) / Double(elementsPerBlock) }

    /// Bytes of `count` elements, or `nil` if `count` is no multiple of the block or the product overflows.
    public func byteCount(elements count: Int) -> Int? {
        guard count >= 0, count.isMultiple(of: elementsPerBlock) else { return nil }
        let (bytes, overflow) = (count / elementsPerBlock).multipliedReportingOverflow(by: bytesPerBlock)
        return overflow ? nil : bytes
    }
}
