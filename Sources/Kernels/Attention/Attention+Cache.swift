extension Attention {
    /// How products with packed keys and values are made.
    public enum Accuracy: Sendable, Hashable {
        /// As good as float32: factors are rounded to 23 bits of the largest and multiplied with the codes
        /// exactly. Relative error of scores (norm) below 1e-6 against dequantize-then-dot in double.
        case exact
        /// At the speed of memory: factors in 15 bits, or in 8 bits where codes have at most three bits and
        /// two digits would be slower than the memory. Relative error of scores about 1e-4, or 1e-2, where
        /// quantization to 2 bits itself costs 0.3.
        case fast

        /// Digits of 8 bits of a factor. What pays depends on the instruction set; a sequence's
        /// number of query rows has no part in it, so that speculation changes no result.
        public func digits(bits: Int, group: Int, instructionSet: InstructionSet = .active) -> Int {
            switch self {
            case .exact: 3
            case .fast: bits > 3 || (instructionSet == .avx512 && group <= 2) ? 2 : 1
            }
        }
    }

    /// Keys or values of one sequence: packed ones first, then those in full precision.
    public struct CacheSide: @unchecked Sendable {
        // Unchecked: read only; whoever calls keeps the store and the memory alive and unchanged meanwhile.
        public let packed: PackedStore?
        /// Its token 0 is the first that is not packed.
        public let full: CacheView

        public init(packed: PackedStore? = nil, full: CacheView) {
            self.packed = packed
            self.full = full
        }

        var packedTokens: Int { packed?.tokens ?? 0 }
    }

    /// The cache of one sequence in one layer. Packed keys and values need not end at the same token.
    public struct SequenceCache: Sendable {
        /// All cached tokens.
        public let tokens: Int
        public let keys: CacheSide
        public let values: CacheSide

        /// - Precondition: packed keys and values have the same number of tokens in a page.
        public init(tokens: Int, keys: CacheSide, values: CacheSide) {
            precondition(
                keys.packed == nil || values.packed == nil || keys.packed?.pageTokens == values.packed?.pageTokens,
                "pages of keys and values differ"
            )
            self.tokens = tokens
            self.keys = keys
            self.values = values
        }

        /// Cached tokens of one part: a page.
        var partTokens: Int { keys.packed?.pageTokens ?? values.packed?.pageTokens ?? 1024 }
        var parts: Int { (tokens + partTokens - 1) / partTokens }
    }
}
