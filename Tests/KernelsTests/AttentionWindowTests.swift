import Kernels
import TensorCore
import Testing

/// Sliding-window attention: a row sees the last tokens up to its own, and nothing older.
@Suite struct AttentionWindowTests {
    private static let shape = AttentionCausalityTests.shape
    private static let width = AttentionCausalityTests.width

    private static func attend(
        _ caches: [Attention.SequenceCache],
        _ queries: ArraySlice<Float>,
        rows: Int,
        window: Int?,
        accuracy: Attention.Accuracy = .exact
    ) -> [Float] {
        var output = [Float](repeating: .nan, count: queries.count)
        Attention.causal(
            queries: Array(queries),
            rows: rows,
            sequences: caches,
            shape: shape,
            accuracy: accuracy,
            window: window,
            into: &output
        )
        return output
    }

    /// A part of 1,024 tokens and a block of 256 are where the passes begin anew.
    private static let windows = [1, 2, 31, 255, 256, 257, 1023, 1024, 1025, 1500]

    @Test(arguments: [1, 5, 16, 70])
    func everyWindowEqualsACacheThatHoldsNoMore(_ rows: Int) {
        for tokens in [rows, 300, 1100, 2100] {
            let full = AttentionCausalityTests.Full(tokens: tokens)
            let queries = SampleKind.gaussian.values(rows * Self.width, seed: 3)
            for window in Self.windows where window < tokens {
                let output = Self.attend([full.cache(tokens)], queries[...], rows: rows, window: window)
                for row in Set([0, rows / 2, rows - 1]) {
                    let end = tokens - rows + row + 1, first = max(0, end - window), channels = Self.shape.channels
                    func side(_ block: Block<Float>) -> Attention.CacheSide {
                        .init(
                            full: .init(
                                float32: block.base + first * channels,
                                headStride: tokens * channels,
                                tokenStride: channels
                            )
                        )
                    }
                    let short = Attention.SequenceCache(
                        tokens: end - first,
                        keys: side(full.keys),
                        values: side(full.values)
                    )
                    let place = row * Self.width..<(row + 1) * Self.width
                    let expected = Self.attend([short], queries[place], rows: 1, window: nil)
                    let error = zip(output[place], expected).map { abs($0 - $1) }.max() ?? .infinity
                    #expect(error <= 1e-5, "\(tokens) tokens, window \(window), row \(row)")
                }
            }
        }
    }

    @Test(arguments: [1, 15, 40])
    func aWindowOfAllTokensChangesNoBit(_ rows: Int) {
        let tokens = 1300, full = AttentionCausalityTests.Full(tokens: tokens)
        let queries = SampleKind.gaussian.values(rows * Self.width, seed: 4)
        let expected = Self.attend([full.cache(tokens)], queries[...], rows: rows, window: nil)
        for window in [tokens, tokens + 1, .max / 2] {
            #expect(Self.attend([full.cache(tokens)], queries[...], rows: rows, window: window) == expected)
        }
    }

    @Test(arguments: PackedFormat.bitWidths, [1, 7, 70])
    func packedTokensBehindTheWindowAreNotSeen(_ bits: Int, _ rows: Int) throws {
        let tokens = 1300, queries = SampleKind.gaussian.values(rows * Self.width, seed: 5)
        let sequence = try PackedAttentionTests.Sequence(
            Self.shape,
            tokens: tokens,
            packedKeys: 1216,
            packedValues: 1200,
            bits: bits,
            seed: 6
        )
        let keys = Block(sequence.keyFloats), values = Block(sequence.valueFloats), channels = Self.shape.channels
        func side(_ block: Block<Float>) -> Attention.CacheSide {
            .init(full: .init(float32: block.base, headStride: tokens * channels, tokenStride: channels))
        }
        let plain = Attention.SequenceCache(tokens: tokens, keys: side(keys), values: side(values))
        for window in [1, 33, 90, 200, 700, 1100] {
            let expected = Self.attend([plain], queries[...], rows: rows, window: window)
            let exact = Self.attend([sequence.cache], queries[...], rows: rows, window: window)
            let error = zip(exact, expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(error <= 3e-5, "\(bits) bits, window \(window): \(error)")
            let fast = Self.attend([sequence.cache], queries[...], rows: rows, window: window, accuracy: .fast)
            let relative = PackedErrorTests.relativeError(fast, expected)
            #expect(
                relative <= PackedErrorTests.outputBudget(bits: bits),
                "\(bits) bits, window \(window): \(relative)"
            )
        }
    }

    @Test(arguments: [2, 5, 16, 70], [Float.nan, .infinity])
    func aValueThatIsNotFiniteIsForgottenWithItsToken(_ rows: Int, _ value: Float) {
        for tokens in [350, 1100] {
            for window in [40, 270] {
                // The first row sees it last.
                let spoilt = AttentionCausalityTests.Full(tokens: tokens, value: value, at: tokens - rows + 1 - window)
                let healthy = AttentionCausalityTests.Full(tokens: tokens)
                let queries = SampleKind.gaussian.values(rows * Self.width, seed: 7)
                let output = Self.attend([spoilt.cache(tokens)], queries[...], rows: rows, window: window)
                let expected = Self.attend([healthy.cache(tokens)], queries[...], rows: rows, window: window)
                #expect(output[..<Self.width].allSatisfy { !$0.isFinite }, "\(tokens) tokens, window \(window)")
                for i in Self.width..<output.count { #expect(abs(output[i] - expected[i]) <= 1e-5) }
            }
        }
    }

    /// As without a window: a batch, and rows that are checked together, do not show.
    @Test func rowsAndSequencesThatGoTogetherEqualThoseAlone() {
        let most = 15, queries = SampleKind.gaussian.values(most * Self.width, seed: 8)
        // The rows of 1,040 tokens begin to see in different parts of the cache.
        for (tokens, window) in [(1100, 70), (1040, 10), (2060, 1030), (40, 8)] {
            let full = AttentionCausalityTests.Full(tokens: tokens)
            let alone = (0..<most).map { row in
                Self.attend(
                    [full.cache(tokens - most + row + 1)],
                    queries[row * Self.width..<(row + 1) * Self.width],
                    rows: 1,
                    window: window
                )
            }
            let together = Self.attend([full.cache(tokens)], queries[...], rows: most, window: window)
            #expect(together == Array(alone.joined()), "\(tokens) tokens, window \(window)")
            let batch = Self.attend(
                (0..<most).map { full.cache(tokens - most + $0 + 1) },
                queries[...],
                rows: 1,
                window: window
            )
            #expect(batch == together, "\(tokens) tokens, window \(window)")
        }
    }
}
