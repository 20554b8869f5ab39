import Kernels
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One pass over packed and full-precision tokens, against the definition in double.
@Suite struct PackedAttentionTests {
    /// One sequence: keys packed up to one token, values up to another, the rest in float16.
    final class Sequence {
        let shape: Attention.Shape
        let tokens: Int
        let keys: PackedStore
        let values: PackedStore
        /// [head, token, channel] of all tokens as attention sees them.
        let keyFloats: [Float]
        let valueFloats: [Float]
        private let keyTail: Block<UInt16>
        private let valueTail: Block<UInt16>

        init(
            _ shape: Attention.Shape,
            tokens: Int,
            packedKeys: Int,
            packedValues: Int,
            bits: Int,
            group: Int = 32,
            seed: UInt64
        ) throws {
            (self.shape, self.tokens) = (shape, tokens)
            let count = shape.kvHeads * tokens * shape.channels
            func part(
                _ side: PackedFormat.Side,
                packed: Int,
                seed: UInt64
            ) throws -> (PackedStore, [Float], Block<UInt16>) {
                let x = PackedStoreTests.halves(count, seed: seed), width = shape.channels
                let store = PackedStore(
                    PackedFormat(side, bits: bits, groupSize: group, channels: width),
                    kvHeads: shape.kvHeads
                )
                try x.withUnsafeBufferPointer { buffer in
                    guard let base = buffer.baseAddress, packed > 0 else { return }
                    try store.append(.float16(base), tokens: packed, headStride: tokens * width, tokenStride: width)
                }
                var seen = HalfConversion.toFloat(x), tail: [UInt16] = []
                for head in 0..<shape.kvHeads {
                    let first = head * tokens * width
                    seen.replaceSubrange(
                        first..<first + packed * width,
                        with: PackedStoreTests.floats(store, head: head)
                    )
                    tail += x[first + packed * width..<first + tokens * width]
                }
                return (store, seen, Block(tail))
            }
            (keys, keyFloats, keyTail) = try part(.keys, packed: packedKeys, seed: seed)
            (values, valueFloats, valueTail) = try part(.values, packed: packedValues, seed: seed + 1)
        }

        var cache: Attention.SequenceCache {
            let width = shape.channels
            return Attention.SequenceCache(
                tokens: tokens,
                keys: Attention.CacheSide(
                    packed: keys,
                    full: .init(float16: keyTail.base, headStride: (tokens - keys.tokens) * width, tokenStride: width)
                ),
                values: Attention.CacheSide(
                    packed: values,
                    full: .init(
                        float16: valueTail.base,
                        headStride: (tokens - values.tokens) * width,
                        tokenStride: width
                    )
                )
            )
        }

        /// Output of the query at `row` of `rows`.
        func expected(_ queries: ArraySlice<Float>, row: Int, rows: Int) -> [Double] {
            let width = shape.channels, visible = tokens - rows + row + 1, query = Array(queries)
            return (0..<shape.heads).flatMap { head -> [Double] in
                let first = head / shape.group * tokens * width
                let scores = (0..<visible).map { token in
                    (0..<width).reduce(0.0) {
                        $0 + Double(query[head * width + $1]) * Double(keyFloats[first + token * width + $1])
                    } / Double(width).squareRoot()
                }
                let largest = scores.max() ?? 0, weights = scores.map { exp($0 - largest) }
                let total = weights.reduce(0, +)
                return (0..<width).map { channel in
                    (0..<visible).reduce(0.0) {
                        $0 + weights[$1] / total * Double(valueFloats[first + $1 * width + channel])
                    }
                }
            }
        }
    }

    static func attend(
        _ sequences: [Sequence],
        _ queries: [Float],
        rows: Int,
        accuracy: Attention.Accuracy = .exact
    ) -> [Float] {
        var output = [Float](repeating: .nan, count: queries.count)
        Attention.decode(
            queries: queries,
            rows: rows,
            sequences: sequences.map(\.cache),
            shape: sequences[0].shape,
            accuracy: accuracy,
            into: &output
        )
        return output
    }

    static let shape = Attention.Shape(heads: 6, kvHeads: 2, channels: 64)

    @Test(arguments: [1, 2, 3, 4, 8])
    func batchesOfDifferentLengthsEqualTheDefinition(_ bits: Int) throws {
        // Nothing packed, everything packed, values behind keys, keys behind values, more than one page.
        let splits = [
            (1, 0, 0), (40, 0, 0), (64, 64, 64), (100, 64, 31), (129, 32, 129), (1100, 1056, 1000), (1300, 1280, 1),
        ]
        for group in [32, 64] {
            let sequences = try splits.enumerated().map { index, split in
                try Sequence(
                    Self.shape,
                    tokens: split.0,
                    packedKeys: split.1 / group * group,
                    packedValues: split.2,
                    bits: bits,
                    group: group,
                    seed: UInt64(100 * index + bits)
                )
            }
            let width = Self.shape.heads * Self.shape.channels
            let queries = SampleKind.gaussian.values(sequences.count * width, seed: 77)
            let exact = Self.attend(sequences, queries, rows: 1)
            let fast = Self.attend(sequences, queries, rows: 1, accuracy: .fast)
            for (index, sequence) in sequences.enumerated() {
                let expected = sequence.expected(queries[index * width..<(index + 1) * width], row: 0, rows: 1)
                for channel in 0..<width {
                    let place = index * width + channel
                    #expect(abs(Double(exact[place]) - expected[channel]) <= 2e-5, "\(sequence.tokens) tokens")
                }
                let error = PackedErrorTests.relativeError(
                    Array(fast[index * width..<(index + 1) * width]),
                    expected.map { Float($0) }
                )
                #expect(error <= PackedErrorTests.outputBudget(bits: bits), "\(sequence.tokens) tokens: \(error)")
            }
        }
    }

    @Test(arguments: [2, 17, 45])
    func manyRowsAreCausalAndEqualTheDefinition(_ rows: Int) throws {
        let sequence = try Sequence(Self.shape, tokens: 1090, packedKeys: 1024, packedValues: 1080, bits: 4, seed: 5)
        let width = Self.shape.heads * Self.shape.channels
        let queries = SampleKind.gaussian.values(rows * width, seed: 6)
        let output = Self.attend([sequence], queries, rows: rows)
        for row in Set([0, 1, rows / 2, rows - 1]) {
            let expected = sequence.expected(queries[row * width..<(row + 1) * width], row: row, rows: rows)
            for channel in 0..<width {
                #expect(abs(Double(output[row * width + channel]) - expected[channel]) <= 2e-5, "row \(row)")
            }
        }
    }

    @Test(arguments: [Attention.Accuracy.exact, .fast])
    func neitherThreadsNorBatchChangeABit(_ accuracy: Attention.Accuracy) throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        let sequences = try [2100, 70, 1300].map {
            try Sequence(
                Self.shape,
                tokens: $0,
                packedKeys: $0 / 32 * 32,
                packedValues: $0 - 20,
                bits: 2,
                seed: UInt64($0)
            )
        }
        let width = 3 * Self.shape.heads * Self.shape.channels
        let queries = SampleKind.gaussian.values(3 * width, seed: 9)
        let results = [1, 2, 5].map { count in
            Parallel.threadCount = count
            return Self.attend(sequences, queries, rows: 3, accuracy: accuracy)
        }
        #expect(results[0] == results[1] && results[0] == results[2])
        let alone = Self.attend([sequences[1]], Array(queries[width..<2 * width]), rows: 3, accuracy: accuracy)
        #expect(alone == Array(results[0][width..<2 * width]))
    }
}
