import CKernels
import Kernels
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct AttentionTests {
    /// Keys and values [token, kv_head, channel] and queries [token, head, channel], with the definition in double.
    struct Case {
        let shape: Attention.Shape
        let cached: Int
        let queries: [Float]
        let keys: Block<UInt16>
        let values: Block<UInt16>
        let floatKeys: Block<Float>
        let floatValues: Block<Float>

        init(_ shape: Attention.Shape, cached: Int, queryTokens: Int, seed: UInt64) {
            self.shape = shape
            self.cached = cached
            let width = cached * shape.kvHeads * shape.channels
            queries = SampleKind.gaussian.values(queryTokens * shape.heads * shape.channels, seed: seed)
            keys = Block(HalfConversion.toHalf(SampleKind.gaussian.values(width, seed: seed + 1)))
            values = Block(HalfConversion.toHalf(SampleKind.gaussian.values(width, seed: seed + 2)))
            floatKeys = Block(HalfConversion.toFloat(keys.values))
            floatValues = Block(HalfConversion.toFloat(values.values))
        }

        var tokenStride: Int { shape.kvHeads * shape.channels }

        func views(_ precision: Attention.Precision) -> (keys: Attention.CacheView, values: Attention.CacheView) {
            let head = shape.channels, token = tokenStride
            return switch precision {
            case .float16:
                (
                    .init(float16: keys.base, headStride: head, tokenStride: token),
                    .init(float16: values.base, headStride: head, tokenStride: token)
                )
            case .float32:
                (
                    .init(float32: floatKeys.base, headStride: head, tokenStride: token),
                    .init(float32: floatValues.base, headStride: head, tokenStride: token)
                )
            }
        }

        /// Output of query token `token` that sees the first `visible` tokens.
        func expected(token: Int, visible: Int) -> [Double] {
            let keys = floatKeys.values, values = floatValues.values, channels = shape.channels
            return (0..<shape.heads).flatMap { head -> [Double] in
                let query = (token * shape.heads + head) * channels, first = head / shape.group * channels
                let scores = (0..<visible).map { place in
                    (0..<channels).reduce(0.0) {
                        $0 + Double(queries[query + $1]) * Double(keys[place * tokenStride + first + $1])
                    } / Double(channels).squareRoot()
                }
                let largest = scores.max() ?? 0, weights = scores.map { exp($0 - largest) }
                let total = weights.reduce(0, +)
                return (0..<channels).map { channel in
                    (0..<visible).reduce(0.0) {
                        $0 + weights[$1] / total * Double(values[$1 * tokenStride + first + channel])
                    }
                }
            }
        }
    }

    static let shapes = [
        Attention.Shape(heads: 9, kvHeads: 3, channels: 64), Attention.Shape(heads: 2, kvHeads: 2, channels: 16),
        Attention.Shape(heads: 7, kvHeads: 1, channels: 20), Attention.Shape(heads: 4, kvHeads: 1, channels: 8),
    ]

    /// Scores err by at most (channels/8 + 8)·2⁻²⁴·Σ|q·k| ≲ 1e-5, which weights inherit relative to themselves.
    static let tolerance = 3e-5

    @Test(arguments: [Attention.Precision.float16, .float32])
    func decodeEqualsTheDefinitionForEveryLength(_ precision: Attention.Precision) {
        for shape in Self.shapes {
            for tokens in Array(1...33) + [1023, 1024, 1025] where tokens < 100 || shape.heads == 9 {
                let sample = Case(shape, cached: tokens, queryTokens: 1, seed: UInt64(tokens))
                let (keys, values) = sample.views(precision)
                var output = [Float](repeating: .nan, count: shape.heads * shape.channels)
                Attention.decode(
                    query: sample.queries,
                    tokens: tokens,
                    shape: shape,
                    keys: keys,
                    values: values,
                    into: &output
                )
                for (got, expected) in zip(output, sample.expected(token: 0, visible: tokens)) {
                    #expect(abs(Double(got) - expected) <= Self.tolerance, "\(tokens) tokens")
                }
            }
        }
    }

    @Test(arguments: [Attention.Precision.float16, .float32])
    func prefillIsCausalAndEqualsTheDefinition(_ precision: Attention.Precision) {
        for shape in Self.shapes {
            for (before, tokens) in [(0, 1), (0, 33), (5, 17), (0, 130), (127, 3)] {
                let sample = Case(shape, cached: before + tokens, queryTokens: tokens, seed: UInt64(tokens))
                let (keys, values) = sample.views(precision)
                var output = [Float](repeating: .nan, count: tokens * shape.heads * shape.channels)
                Attention.prefill(
                    queries: sample.queries,
                    tokens: tokens,
                    firstPosition: before,
                    shape: shape,
                    keys: .init(full: keys),
                    values: .init(full: values),
                    into: &output
                )
                for token in Set([0, tokens / 2, tokens - 1]) {
                    let expected = sample.expected(token: token, visible: before + token + 1)
                    for (channel, value) in expected.enumerated() {
                        let got = Double(output[token * expected.count + channel])
                        #expect(abs(got - value) <= Self.tolerance, "token \(token) of \(tokens) after \(before)")
                    }
                }
            }
        }
    }

    @Test func headMajorCachesGiveTheSame() {
        let shape = Self.shapes[0], tokens = 50, sample = Case(shape, cached: tokens, queryTokens: 1, seed: 5)
        let width = shape.channels
        func headMajor(_ x: [UInt16]) -> Block<UInt16> {
            var result: [UInt16] = []
            for head in 0..<shape.kvHeads {
                for token in 0..<tokens {
                    let first = (token * shape.kvHeads + head) * width
                    result += x[first..<first + width]
                }
            }
            return Block(result)
        }
        let keys = headMajor(sample.keys.values), values = headMajor(sample.values.values)
        var a = [Float](repeating: 0, count: shape.heads * width), b = a
        let views = sample.views(.float16)
        Attention.decode(
            query: sample.queries,
            tokens: tokens,
            shape: shape,
            keys: views.keys,
            values: views.values,
            into: &a
        )
        Attention.decode(
            query: sample.queries,
            tokens: tokens,
            shape: shape,
            keys: .init(float16: keys.base, headStride: tokens * width, tokenStride: width),
            values: .init(float16: values.base, headStride: tokens * width, tokenStride: width),
            into: &b
        )
        #expect(a == b)
    }

    @Test func resultsDoNotDependOnTheNumberOfThreads() {
        let shape = Self.shapes[0], tokens = 2100, threads = Parallel.threadCount
        let sample = Case(shape, cached: tokens, queryTokens: 70, seed: 6), (keys, values) = sample.views(.float16)
        defer { Parallel.threadCount = threads }
        let results = [1, 2, 4].map { count in
            Parallel.threadCount = count
            var one = [Float](repeating: 0, count: shape.heads * shape.channels),
                many = [Float](repeating: 0, count: 70 * one.count)
            Attention.decode(
                query: sample.queries,
                tokens: tokens,
                shape: shape,
                keys: keys,
                values: values,
                into: &one
            )
            Attention.prefill(
                queries: sample.queries,
                tokens: 70,
                firstPosition: tokens - 70,
                shape: shape,
                keys: .init(full: keys),
                values: .init(full: values),
                into: &many
            )
            return one + many
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test func dominantScoreSelectsItsValue() {
        let shape = Attention.Shape(heads: 1, kvHeads: 1, channels: 8)
        var keys = [Float](repeating: 0, count: 40 * 8), values = keys
        keys[17 * 8] = 1000
        values[17 * 8 + 3] = 5
        let query: [Float] = [1, 0, 0, 0, 0, 0, 0, 0], keyBlock = Block(keys), valueBlock = Block(values)
        var output = [Float](repeating: 0, count: 8)
        Attention.decode(
            query: query,
            tokens: 40,
            shape: shape,
            keys: .init(float32: keyBlock.base, headStride: 0, tokenStride: 8),
            values: .init(float32: valueBlock.base, headStride: 0, tokenStride: 8),
            into: &output
        )
        #expect(output == [0, 0, 0, 5, 0, 0, 0, 0])
    }
}
