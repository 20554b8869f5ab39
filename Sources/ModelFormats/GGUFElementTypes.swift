import TensorCore

/// The numbers that GGUF gives to tensor element types. Source: ggml's `enum ggml_type`.
enum GGUFElementTypes {
    static let supported: [UInt32: ElementType] = [
        0: .float32, 1: .float16, 2: .q4_0, 3: .q4_1, 6: .q5_0, 7: .q5_1, 8: .q8_0,
        10: .q2K, 11: .q3K, 12: .q4K, 13: .q5K, 14: .q6K, 20: .iq4NL, 23: .iq4XS, 30: .bfloat16,
    ]

    /// Types that ggml has (or had) and we cannot read; for messages.
    static let unsupportedNames: [UInt32: String] = [
        4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
        18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S", 24: "I8", 25: "I16",
        26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0",
        35: "TQ2_0", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8", 39: "MXFP4", 40: "NVFP4",
    ]

    static func number(of type: ElementType) -> UInt32 {
        switch type {
        case .float32: 0
        case .float16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q5_0: 6
        case .q5_1: 7
        case .q8_0: 8
        case .q2K: 10
        case .q3K: 11
        case .q4K: 12
        case .q5K: 13
        case .q6K: 14
        case .iq4NL: 20
        case .iq4XS: 23
        case .bfloat16: 30
        }
    }

    /// `F32, F16, …` in the order of the numbers.
    static var supportedList: String {
        supported.sorted { $0.key < $1.key }.map { $0.value.rawValue.uppercased() }.joined(separator: ", ")
    }
}

/// The product of a tensor's sizes, or `nil` if it overflows.
func elementCount(of dimensions: [Int]) -> Int? {
    var count = 1
    for size in dimensions {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        if overflow { return nil }
        count = product
    }
    return count
}
