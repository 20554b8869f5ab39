import Evaluation
import Inference
import Kernels
import Quantization
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Attention errors beside a plain double-precision computation.
@Suite struct ErrorReferenceTests {
    private let source = ArraySource.gaussian(heads: 6, kvHeads: 2, headDim: 8, sequences: [0..<37], seed: 7)

    /// Sums |A − A'|/A and so on, of one query head, over the given query positions.
    private struct Reference {
        var scoreRelative = 0.0, scoreFrobenius = 0.0, output = 0.0, outputElementwise = 0.0, sparsity = 0.0
    }

    /// Float values `[token, head, channel]`; keys and values exact and cached.
    private func reference(
        head: Int,
        keys: [Float],
        values: [Float],
        cachedKeys: [Float],
        cachedValues: [Float],
        positions: [Int]
    ) -> Reference {
        let (heads, kvHeads, width) = (source.heads, source.kvHeads, source.headDim)
        let queries = source.floats(.query)
        let kvHead = head / (heads / kvHeads)
        func weights(_ keys: [Float], _ position: Int) -> [Double] {
            let scores = (0...position).map { token in
                (0..<width).reduce(0.0) {
                    $0 + Double(queries[(position * heads + head) * width + $1])
                        * Double(keys[(token * kvHeads + kvHead) * width + $1])
                } / Double(width).squareRoot()
            }
            let largest = scores.max() ?? 0
            let powers = scores.map { exp($0 - largest) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        func output(_ weights: [Double], _ values: [Float]) -> [Double] {
            (0..<width).map { channel in
                weights.enumerated().reduce(0.0) {
                    $0 + $1.element * Double(values[($1.offset * kvHeads + kvHead) * width + channel])
                }
            }
        }
        var exactA: [Double] = []
        var cachedA: [Double] = []
        var exactO: [Double] = []
        var cachedO: [Double] = []
        var negligible = 0
        for position in positions {
            let (a, b) = (weights(keys, position), weights(cachedKeys, position))
            exactA += a
            cachedA += b
            exactO += output(a, values)
            cachedO += output(b, cachedValues)
            negligible += a.filter { $0 < 0.01 * (a.max() ?? 0) }.count
        }
        func relative(_ x: [Double], _ y: [Double]) -> Double {
            zip(x, y).reduce(0) { $0 + abs($1.1 - $1.0) / abs($1.0) } / Double(x.count)
        }
        // What float16 can hold.
        let held = Array(zip(exactA, cachedA)).filter { $0.0 > 0x1p-25 }
        func frobenius(_ x: [Double], _ y: [Double]) -> Double {
            (zip(x, y).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) } / x.reduce(0) { $0 + $1 * $1 }).squareRoot()
        }
        return Reference(
            scoreRelative: relative(held.map { $0.0 }, held.map { $0.1 }),
            scoreFrobenius: frobenius(exactA, cachedA),
            output: frobenius(exactO, cachedO),
            outputElementwise: relative(exactO, cachedO),
            sparsity: Double(negligible) / Double(exactA.count)
        )
    }

    /// `[token, kv_head, channel]` of what a scheme gives back.
    private func cached(_ scheme: CacheScheme, _ tensor: CapturedTensor) throws -> [Float] {
        let tokens = source.sequences[0]
        let block = KVBlock(
            tokenMajor: source.half(tensor, layer: 0, tokens: tokens),
            tokens: tokens.count,
            heads: 2,
            channels: 8
        )
        let trip = try scheme.roundTrip(block, side: tensor == .key ? .key : .value)
        var result = [Float](repeating: 0, count: block.elementCount)
        for head in 0..<2 {
            for token in 0..<tokens.count {
                for channel in 0..<8 {
                    result[(token * 2 + head) * 8 + channel] =
                        trip.tensor.elements[(head * tokens.count + token) * 8 + channel]
                }
            }
        }
        return result
    }

    @Test(arguments: [37, 5])
    func attentionErrorsEqualADoublePrecisionReference(maximumQueries: Int) throws {
        let term = "rtn-int3-channel-g8/rtn-int2-token-whole+window=3"
        let scheme = try CacheScheme(parsing: term)
        let result = try ErrorStudy.run(
            source: source,
            settings: .terms([term], maximumQueries: maximumQueries)
        )
        let positions = QuerySample.positions(tokens: 37, maximum: maximumQueries, stride: 1)
        let (keys, values) = (source.floats(.key), source.floats(.value))
        let (cachedKeys, cachedValues) = (try cached(scheme, .key), try cached(scheme, .value))
        for kvHead in 0..<2 {
            func meanOverGroup(_ keys: [Float], _ values: [Float], _ part: (Reference) -> Double) -> Double {
                let heads = kvHead * 3..<(kvHead + 1) * 3
                return heads.reduce(0.0) {
                    $0
                        + part(
                            reference(
                                head: $1,
                                keys: source.floats(.key),
                                values: source.floats(.value),
                                cachedKeys: keys,
                                cachedValues: values,
                                positions: positions
                            )
                        )
                } / 3
            }
            func check(_ metric: String, _ tensor: String, _ expected: Double, scheme: String = term) throws {
                let ours = try #require(result.error(metric, tensor, scheme, head: kvHead))
                // Float32 scores of 8 channels of size ~10 err by 1e-6; weights, divided by small ones, by as much.
                #expect(abs(ours - expected) <= 2e-5 * expected, "\(metric): \(ours), not \(expected)")
            }
            try check("score_relative_error", "key", meanOverGroup(cachedKeys, values) { $0.scoreRelative })
            try check("score_relative_frobenius", "key", meanOverGroup(cachedKeys, values) { $0.scoreFrobenius })
            try check("output_error_key", "key", meanOverGroup(cachedKeys, values) { $0.output })
            try check("output_error_value", "value", meanOverGroup(keys, cachedValues) { $0.output })
            try check("output_error_pair", "pair", meanOverGroup(cachedKeys, cachedValues) { $0.output })
            try check("attention_sparsity", "key", meanOverGroup(keys, values) { $0.sparsity }, scheme: "identity")
            for (metric, tensor, k, v) in [
                ("output_error_key_elementwise", "key", cachedKeys, values),
                ("output_error_value_elementwise", "value", keys, cachedValues),
                ("output_error_pair_elementwise", "pair", cachedKeys, cachedValues),
            ] {
                let ours = try #require(result.error(metric, tensor, term, head: kvHead))
                let expected = meanOverGroup(k, v) { $0.outputElementwise }
                // Outputs near zero magnify float32's rounding: 1e-7 of the output's size over the least output.
                #expect(abs(ours - expected) <= 1e-3 * expected, "\(metric): \(ours), not \(expected)")
            }
        }
    }

    @Test func reconstructionErrorsEqualADoublePrecisionReference() throws {
        let scheme = try CacheScheme(parsing: "rtn-int2-token-g8")
        let result = try ErrorStudy.run(source: source, settings: .terms([scheme.id]))
        for (tensor, name) in [(CapturedTensor.key, "key"), (.value, "value")] {
            let pairs = Array(zip(source.floats(tensor), try cached(scheme, tensor)))
            for head in 0..<2 {
                let mine = pairs.enumerated().filter { $0.offset / 8 % 2 == head }.map { $0.element }
                let errors = mine.map { (Double($0.1) - Double($0.0)) * (Double($0.1) - Double($0.0)) }
                let energy = mine.reduce(0.0) { $0 + Double($1.0) * Double($1.0) }
                let mse = errors.reduce(0, +) / Double(mine.count)
                let ours = try #require(result.error("mse", name, scheme.id, head: head))
                #expect(abs(ours - mse) <= 1e-5 * mse)
                let decibel = try #require(result.error("sqnr_db", name, scheme.id, head: head))
                // 1e-5 of the quotient is 10/ln 10 · 1e-5 dB.
                #expect(abs(decibel - 10 * log10(energy / errors.reduce(0, +))) <= 1e-4)
            }
        }
    }
}
