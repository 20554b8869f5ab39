import Kernels
import TensorCore
import Testing

/// What a row of queries may not notice: the tokens after its own, and how many rows go with it.
@Suite struct AttentionCausalityTests {
    static let shape = Attention.Shape(heads: 6, kvHeads: 2, channels: 64)
    static let width = shape.heads * shape.channels

    /// Keys and values of [head, token, channel] in full precision, one of them as given in every channel of one token.
    struct Full {
        let tokens: Int
        let keys: Block<Float>
        let values: Block<Float>

        init(tokens: Int, value: Float? = nil, at token: Int = 0) {
            let shape = AttentionCausalityTests.shape, count = shape.kvHeads * tokens * shape.channels
            self.tokens = tokens
            keys = Block(SampleKind.gaussian.values(count, seed: 1))
            var x = SampleKind.gaussian.values(count, seed: 2)
            for head in 0..<shape.kvHeads {
                for channel in 0..<shape.channels {
                    if let value { x[(head * tokens + token) * shape.channels + channel] = value }
                }
            }
            values = Block(x)
        }

        /// The first tokens of it.
        func cache(_ count: Int) -> Attention.SequenceCache {
            let channels = AttentionCausalityTests.shape.channels
            func side(_ block: Block<Float>) -> Attention.CacheSide {
                .init(full: .init(float32: block.base, headStride: tokens * channels, tokenStride: channels))
            }
            return .init(tokens: count, keys: side(keys), values: side(values))
        }
    }

    static func attend(
        _ cache: Attention.SequenceCache,
        _ queries: ArraySlice<Float>,
        accuracy: Attention.Accuracy = .exact
    ) -> [Float] {
        var output = [Float](repeating: .nan, count: queries.count)
        Attention.causal(
            queries: Array(queries),
            rows: queries.count / width,
            sequences: [cache],
            shape: shape,
            accuracy: accuracy,
            into: &output
        )
        return output
    }

    @Test(arguments: [2, 5, 16, 70], [Float.nan, .infinity, -.infinity])
    func aValueThatIsNotFiniteIsSeenFromItsOwnRowOn(_ rows: Int, _ value: Float) {
        for tokens in [rows, 300, 1100] {
            for row in Set([1, rows / 2, rows - 1]) where row > 0 {
                let healthy = Full(tokens: tokens), spoilt = Full(tokens: tokens, value: value, at: tokens - rows + row)
                let queries = SampleKind.gaussian.values(rows * Self.width, seed: 3)
                let expected = Self.attend(healthy.cache(tokens), queries[...])
                let output = Self.attend(spoilt.cache(tokens), queries[...])
                // A row that is done again is summed in another order.
                for i in 0..<row * Self.width { #expect(abs(output[i] - expected[i]) <= 1e-5, "\(rows) rows, \(i)") }
                #expect(output[(row * Self.width)...].allSatisfy { !$0.isFinite })
            }
        }
    }

    @Test(arguments: [1, 2, 4], [Float.nan, 60000])
    func aPackedValueThatIsNotFiniteIsSeenFromItsOwnRowOn(_ bits: Int, _ value: Float) throws {
        // 60,000 against −60,000 makes a scale beyond float16.
        let channels = Self.shape.channels, tokens = 140, rows = 7, count = Self.shape.kvHeads * tokens * channels
        let keys = Full(tokens: tokens), queries = SampleKind.gaussian.values(rows * Self.width, seed: 5)
        func output(spoilt: Int?) throws -> [Float] {
            var x = SampleKind.gaussian.values(count, seed: 4)
            for head in 0..<Self.shape.kvHeads {
                guard let spoilt else { continue }
                let first = (head * tokens + spoilt) * channels
                (x[first], x[first + 1]) = (value, -value)
                (x[first + 32], x[first + 33]) = (value, -value)
            }
            let format = PackedFormat(.values, bits: bits, groupSize: 32, channels: channels)
            let store = try PackedStoreTests.store(
                format,
                HalfConversion.toHalf(x),
                heads: Self.shape.kvHeads,
                tokens: tokens
            )
            let none = Attention.CacheView(float32: keys.values.base, headStride: 0, tokenStride: 0)
            let cache = Attention.SequenceCache(
                tokens: tokens,
                keys: keys.cache(tokens).keys,
                values: .init(packed: store, full: none)
            )
            return Self.attend(cache, queries[...])
        }
        let expected = try output(spoilt: nil)
        for row in [1, 3, 6] {
            let got = try output(spoilt: tokens - rows + row)
            for i in 0..<row * Self.width { #expect(abs(got[i] - expected[i]) <= 1e-5, "row \(i / Self.width)") }
            #expect(got[(row * Self.width)...].allSatisfy { !$0.isFinite })
        }
    }

    /// A draft that is checked in one step must not differ in a bit from tokens that are made one by one.
    @Test func rowsThatGoTogetherEqualThoseAlone() {
        let tokens = 1100, full = Full(tokens: tokens), most = 15
        let queries = SampleKind.gaussian.values(most * Self.width, seed: 7)
        let alone = (0..<most).map { row in
            Self.attend(full.cache(tokens - most + row + 1), queries[row * Self.width..<(row + 1) * Self.width])
        }
        for rows in 2...most {
            let first = most - rows
            let together = Self.attend(full.cache(tokens), queries[(first * Self.width)...])
            #expect(together == Array(alone[first...].joined()), "\(rows) rows")
        }
    }

    private func packed(_ bits: Int) throws -> PackedAttentionTests.Sequence {
        try PackedAttentionTests.Sequence(
            Self.shape,
            tokens: 700,
            packedKeys: 640,
            packedValues: 650,
            bits: bits,
            seed: 11
        )
    }

    /// From some number of rows on blocks are dequantized and multiplied as matrices.
    @Test(arguments: PackedFormat.bitWidths, Attention.Accuracy.allCases)
    func rowsOfAPrefillEqualThoseOfAStep(_ bits: Int, _ accuracy: Attention.Accuracy) throws {
        let sequence = try packed(bits), rows = accuracy == .exact ? 16 : Attention.mostRowsOfFastProducts + 1
        let queries = SampleKind.gaussian.values(rows * Self.width, seed: 12)
        let prefill = Self.attend(sequence.cache, queries[...], accuracy: accuracy)
        let step = Self.attend(sequence.cache, queries[Self.width...], accuracy: accuracy)
        let error = PackedErrorTests.relativeError(step, Array(prefill[Self.width...]))
        let allowed = accuracy == .exact ? 1e-5 : PackedErrorTests.outputBudget(bits: bits)
        #expect(error <= allowed, "\(bits) bits: \(error)")
        // What is compared is not one path with itself.
        #expect(error > 0, "\(bits) bits")
    }

    /// Quality is measured in blocks of up to 64 rows, with the products of generation.
    @Test(arguments: [15, 16, 32, 64])
    func fastProductsAreThoseOfThePackedKernels(_ rows: Int) throws {
        let sequence = try packed(2), full = Full(tokens: 700)
        let queries = SampleKind.gaussian.values(2 * rows * Self.width, seed: 13)
        func output(
            _ attend: (UnsafePointer<Float>, [Attention.SequenceCache], UnsafeMutablePointer<Float>) -> Void,
            _ caches: [Attention.SequenceCache]
        ) -> [Float] {
            var output = [Float](repeating: .nan, count: caches.count * rows * Self.width)
            attend(queries, caches, &output)
            return output
        }
        let decode = output(
            { Attention.decode(queries: $0, rows: rows, sequences: $1, shape: Self.shape, accuracy: .fast, into: $2) },
            [sequence.cache]
        )
        func causal(_ caches: [Attention.SequenceCache], _ accuracy: Attention.Accuracy = .fast) -> [Float] {
            output(
                {
                    Attention.causal(
                        queries: $0,
                        rows: rows,
                        sequences: $1,
                        shape: Self.shape,
                        accuracy: accuracy,
                        into: $2
                    )
                },
                caches
            )
        }
        #expect(causal([sequence.cache]) == decode)
        #expect(causal([sequence.cache], .exact) != decode)
        // A sequence of the batch that packs nothing changes nothing.
        #expect(causal([sequence.cache, full.cache(700)]).prefix(decode.count) == decode[...])
    }
}
