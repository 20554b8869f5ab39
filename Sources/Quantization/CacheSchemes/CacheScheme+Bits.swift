import TensorCore

extension CacheScheme {
    /// Bits that an element takes of a sequence without end, mean of keys and values: what further tokens add, so that
    /// neither the window nor what is stored once for all tokens counts.
    ///
    /// - Returns: `nil` where the bits depend on the data, or a scheme must learn from some first.
    /// - Complexity: that of encoding 6144 tokens of both sides.
    public func bitsAsymptotic(heads: Int, channels: Int) -> Double? {
        let sides = CacheSide.allCases.map { Self.bits(of: scheme(for: $0), side: $0, heads, channels) }
        let known = sides.compactMap { $0 }
        return known.count == sides.count ? known.reduce(0, +) / Double(known.count) : nil
    }

    /// The tokens that are added: whole groups of every scheme.
    private static let tokens = 1024

    private static func bits(
        of scheme: any TensorScheme,
        side: CacheSide,
        _ heads: Int,
        _ channels: Int
    ) -> Double? {
        func bytes(tokens: Int, isHeavy: Bool) -> Int? {
            var generator = SeededGenerator(seed: 1)
            let block = KVBlock(
                heads: heads,
                tokens: tokens,
                channels: channels,
                values: (0..<heads * tokens * channels).map { _ in
                    let value = Float(generator.nextGaussian())
                    return isHeavy ? value * value * value : value
                }
            )
            let encoded = try? scheme.prepared(for: SchemeContext(side: side)).encode(block)
            return encoded?.byteCount
        }
        // Two distributions: what takes other bits for the one than for the other depends on the data.
        let added = [false, true].map { isHeavy -> Int? in
            guard let short = bytes(tokens: tokens, isHeavy: isHeavy),
                let long = bytes(tokens: 2 * tokens, isHeavy: isHeavy)
            else { return nil }
            return long - short
        }
        guard let first = added[0], first == added[1] else { return nil }
        return 8 * Double(first) / Double(heads * tokens * channels)
    }
}
