extension Attention {
    /// How products with packed keys and values are made.
    public enum Accuracy: String, Sendable, Hashable, CaseIterable {
        /// As good as float32: factors are rounded to 23 bits of the largest and multiplied with the codes
        /// exactly. Relative error of scores (norm) below 1e-6 against dequantize-then-dot in double.
        case exact
        /// At the speed of memory: factors in 15 bits, or in 8 bits where codes have at most three bits and two digits
        /// would be slower than the memory.
        ///
        /// What it adds, as relative error (norm) over keys with outlier channels and Gaussian values, beside what
        /// quantization itself costs (`PackedErrorTests` holds it to a quarter of that):
        ///
        /// | bits | scores | own | weighted values | own | output | own |
        /// |---|---|---|---|---|---|---|
        /// | 1, 8-bit factors | 2.1e-2 | 0.79 | 2.7e-2 | 1.30 | 7.6e-2 | 6.7 |
        /// | 2, 8-bit factors | 1.6e-2 | 0.22 | 2.7e-2 | 0.37 | 5.4e-2 | 0.68 |
        /// | 3, 8-bit factors | 1.5e-2 | 0.095 | 2.6e-2 | 0.16 | 6.2e-2 | 0.37 |
        /// | 2, 15-bit factors | 1.8e-4 | 0.22 | 8.9e-4 | 0.37 | 8.9e-4 | 0.68 |
        /// | 4, 15-bit factors | 1.5e-4 | 0.044 | 1.1e-3 | 0.080 | 8.5e-4 | 0.17 |
        /// | 8, 15-bit factors | 1.5e-4 | 0.0027 | 1.0e-3 | 0.0045 | 1.2e-3 | 0.0098 |
        ///
        /// Bounds of a single product: 2⁻¹⁴ of the row's largest |factor|·scale for 15 bits, 2⁻⁸ more for 8.
        case fast

        /// Digits of 8 bits of a factor. What pays depends on the instruction set; a sequence's number of query rows
        /// has no part in it. More than four queries of a head are rounded beside the scales of 256 packed tokens at a
        /// time, up to four beside those of a page.
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

        func check(_ shape: Shape, tokens: Int) {
            packed?.check(shape)
            guard case .store(let store) = full else { return }
            precondition(
                store.kvHeads == shape.kvHeads && store.channels == shape.channels,
                "a store of \(store.kvHeads) heads of \(store.channels) channels for \(shape)"
            )
            let rest = min(packedTokens, tokens)..<tokens
            precondition(
                rest.isEmpty
                    || store.tokens.lowerBound <= rest.lowerBound && rest.upperBound <= store.tokens.upperBound,
                "tokens \(rest) of \(store.tokens)"
            )
        }

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

        /// Stops the program if stores are of another shape or lack tokens: their memory would be read beyond its end.
        func check(_ shape: Shape) {
            keys.check(shape, tokens: tokens)
            values.check(shape, tokens: tokens)
        }

        var parts: Int { (tokens + Self.partTokens - 1) / Self.partTokens }
    }
}
