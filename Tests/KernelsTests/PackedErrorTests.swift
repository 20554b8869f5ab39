import Kernels
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What `fast` and `exact` products add to the error that a scheme makes itself, over what keys and values look like.
@Suite struct PackedErrorTests {
    /// ‖got − expected‖ / ‖expected‖
    static func relativeError(_ got: [Float], _ expected: [Float]) -> Double {
        var error = 0.0, size = 0.0
        for (a, b) in zip(got, expected) {
            error += pow(Double(a) - Double(b), 2)
            size += Double(b) * Double(b)
        }
        return (error / size).squareRoot()
    }

    /// Bounds on the relative error (norm) of scores, values and the whole output as `Attention.Accuracy.fast` states.
    static func scoreBudget(bits: Int) -> Double { bits > 3 ? 2e-4 : 2.5e-2 }
    static func outputBudget(bits: Int) -> Double { bits > 3 ? 2e-3 : 0.1 }

    static let shape = Attention.Shape(heads: 4, kvHeads: 2, channels: 128), tokens = 2048

    /// Gaussian, with a few channels ten times as large and off zero, as keys have them; values without.
    static func elements(_ side: PackedFormat.Side) -> [Float] {
        let channels = shape.channels
        var x = SampleKind.gaussian.values(shape.kvHeads * tokens * channels, seed: side == .keys ? 31 : 32)
        for i in x.indices where side == .keys && i % channels % 37 == 5 { x[i] = 10 * x[i] + 20 }
        return HalfConversion.toFloat(HalfConversion.toHalf(x))
    }

    static func store(_ side: PackedFormat.Side, bits: Int, _ x: [Float]) throws -> PackedStore {
        try PackedStoreTests.store(
            PackedFormat(side, bits: bits, groupSize: 32, channels: shape.channels),
            HalfConversion.toHalf(x),
            heads: shape.kvHeads,
            tokens: tokens
        )
    }

    /// scores[head, token] in double.
    static func scores(_ query: [Float], _ keys: [Float]) -> [Float] {
        let width = shape.channels
        return (0..<shape.heads).flatMap { head in
            (0..<tokens).map { token -> Float in
                let first = (head / shape.group * tokens + token) * width
                var sum = 0.0
                for i in 0..<width { sum += Double(query[head * width + i]) * Double(keys[first + i]) }
                return Float(sum)
            }
        }
    }

    static func sums(_ weights: [Float], _ values: [Float]) -> [Float] {
        let width = shape.channels
        return (0..<shape.heads).flatMap { head in
            (0..<width).map { channel -> Float in
                var sum = 0.0
                for token in 0..<tokens {
                    let place = (head / shape.group * tokens + token) * width + channel
                    sum += Double(weights[head * tokens + token]) * Double(values[place])
                }
                return Float(sum)
            }
        }
    }

    static func softmax(_ scores: [Float]) -> [Float] {
        var weights = scores.map { $0 * shape.scale }
        for head in 0..<shape.heads {
            weights.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                VectorMath.softmax(base + head * tokens, count: tokens)
            }
        }
        return weights
    }

    @Test(arguments: PackedFormat.bitWidths)
    func errorsAreSmallBesideTheSchemesOwn(_ bits: Int) throws {
        let shape = Self.shape, tokens = Self.tokens
        let keys = Self.elements(.keys), values = Self.elements(.values)
        let keyStore = try Self.store(.keys, bits: bits, keys), valueStore = try Self.store(.values, bits: bits, values)
        let seenKeys = (0..<shape.kvHeads).flatMap { PackedStoreTests.floats(keyStore, head: $0) }
        let seenValues = (0..<shape.kvHeads).flatMap { PackedStoreTests.floats(valueStore, head: $0) }
        let query = SampleKind.gaussian.values(shape.heads * shape.channels, seed: 33)

        let trueScores = Self.scores(query, keys), seenScores = Self.scores(query, seenKeys)
        let trueWeights = Self.softmax(trueScores), seenWeights = Self.softmax(seenScores)
        let trueSums = Self.sums(trueWeights, values), seenSums = Self.sums(trueWeights, seenValues)
        let seenOutput = Self.sums(seenWeights, seenValues)
        let ownScores = Self.relativeError(seenScores, trueScores), ownSums = Self.relativeError(seenSums, trueSums)
        let ownOutput = Self.relativeError(seenOutput, trueSums)
        for accuracy in [Attention.Accuracy.exact, .fast] {
            var scores = [Float](repeating: 0, count: shape.heads * tokens),
                sums = [Float](repeating: 0, count: query.count)
            var output = sums
            Attention.scores(query: query, shape: shape, keys: keyStore, accuracy: accuracy, into: &scores)
            Attention.weightedSum(
                weights: trueWeights,
                shape: shape,
                values: valueStore,
                accuracy: accuracy,
                into: &sums
            )
            let nothing = Block([Float(0)])
            let view = Attention.CacheView(float32: nothing.base, headStride: 0, tokenStride: 0)
            let cache = Attention.SequenceCache(
                tokens: tokens,
                keys: .init(packed: keyStore, full: view),
                values: .init(packed: valueStore, full: view)
            )
            Attention.decode(
                queries: query,
                rows: 1,
                sequences: [cache],
                shape: shape,
                accuracy: accuracy,
                into: &output
            )
            let scoreError = Self.relativeError(scores, seenScores), sumError = Self.relativeError(sums, seenSums)
            let outputError = Self.relativeError(output, seenOutput)
            if getenv("KVATLAS_SHOW_ERRORS") != nil {
                print(bits, accuracy, "own", ownScores, ownSums, ownOutput, "added", scoreError, sumError, outputError)
            }
            switch accuracy {
            case .exact:
                #expect(scoreError <= 1e-6 && sumError <= 2e-6 && outputError <= 1e-5, "\(scoreError) \(sumError)")
            case .fast:
                #expect(scoreError <= Self.scoreBudget(bits: bits), "\(scoreError)")
                #expect(sumError <= Self.outputBudget(bits: bits), "\(sumError)")
                #expect(outputError <= Self.outputBudget(bits: bits), "\(outputError)")
                // Errors that have nothing to do with each other add by their squares: a quarter adds 3 percent.
                #expect(scoreError <= 0.25 * ownScores && sumError <= 0.25 * ownSums, "\(ownScores) \(ownSums)")
                #expect(outputError <= 0.25 * ownOutput, "\(outputError) beside \(ownOutput)")
            }
        }
    }
}
