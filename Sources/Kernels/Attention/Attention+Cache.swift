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

        /// Digits of 8 bits of a factor. What pays depends on the instruction set; a sequence's number of query rows
        /// has no part in it. It may change the order in which float32 sums are made, and so their rounding.
        public func digits(bits: Int, group: Int, instructionSet: InstructionSet = .active) -> Int {
            switch self {
            case .exact: 3
            case .fast: bits > 3 || (instructionSet == .avx512 && group <= 2) ? 2 : 1
            }
        }
    }

    /// Keys or values of one sequence: packed ones first, then those in full precision.
    public struct CacheSide: @unchecked Sendable {
        // Unchecked: read only; whoever calls keeps stores and memory alive and unchanged meanwhile.
        enum Full {
            /// Its token 0 is the first that is not packed.
            case view(CacheView)
            /// Holds all positions that are not packed.
            case store(FullStore)
        }

        public let packed: PackedStore?
        let full: Full

        /// - Parameters:
        ///   - packed: keys whose format is of ``PackedFormat/Side/values``, grouped per token, are read too, by
        ///     way of float32.
        ///   - full: its token 0 is the first that is not packed.
        public init(packed: PackedStore? = nil, full: CacheView) {
            self.packed = packed
            self.full = .view(full)
        }

        /// - Parameter store: holds all positions that are not packed.
        public init(packed: PackedStore? = nil, store: FullStore) {
            self.packed = packed
            full = .store(store)
        }

        var packedTokens: Int { packed?.tokens ?? 0 }

        /// Tokens in full precision that lie together, from position `token` on: at most `count`.
        func run(
            head: Int,
            token: Int,
            count: Int,
            channels: Int
        ) -> (base: UnsafeRawPointer, count: Int, tokenStride: Int, precision: Precision) {
            switch full {
            case .view(let view):
                let base = view.address(head: head, token: token - packedTokens)
                return (base, count, view.tokenStride, view.precision)
            case .store(let store):
                let (base, count) = store.run(head: head, token: token, count: count)
                return (base, count, channels, store.precision)
            }
        }
    }

    /// The cache of one sequence in one layer. Packed keys and values need not end at the same token.
    public struct SequenceCache: Sendable {
        /// Cached tokens that pass through the online softmax together.
        static let partTokens = 1024

        /// All cached tokens.
        public let tokens: Int
        public let keys: CacheSide
        public let values: CacheSide

        public init(tokens: Int, keys: CacheSide, values: CacheSide) {
            self.tokens = tokens
            self.keys = keys
            self.values = values
        }

        var parts: Int { (tokens + Self.partTokens - 1) / Self.partTokens }
    }
}
