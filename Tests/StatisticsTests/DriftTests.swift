import Kernels
import Statistics
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Channels as real keys have them: far from 0 against their deviation, or wandering as tokens go by.
@Suite struct DriftTests {
    /// Where a channel lies at each token, in its deviations.
    enum Path: CaseIterable {
        /// The slow rotation of RoPE's last channels, and a quick one.
        case slowRotation, quickRotation
        case farAway, ramp
        /// Another text begins.
        case step
        /// The first token is like no other.
        case sink

        func place(_ token: Int, of tokens: Int) -> Double {
            switch self {
            case .slowRotation: 40 * cos(Double(token) * 3e-4)
            case .quickRotation: 40 * cos(Double(token) * 0.05)
            case .farAway: 150
            case .ramp: 60 * Double(token) / Double(tokens) - 5
            case .step: token < tokens / 3 ? -30 : 20
            case .sink: token == 0 ? 300 : 12
            }
        }
    }

    @Test(arguments: Path.allCases, [64, 256, 700, 2048, 9000])
    func momentsKeepSixDigits(_ path: Path, _ tokens: Int) {
        var generator = SeededGenerator(seed: UInt64(tokens) + 5)
        let headDim = 16
        var values: [Float] = []
        for token in 0..<tokens {
            for channel in 0..<headDim {
                let place = path.place(token, of: tokens) + generator.nextGaussian()
                values.append(Float(place * (0.1 + 0.2 * Double(channel))))
            }
        }
        let halves = HalfConversion.toHalf(values), stored = HalfConversion.toFloat(halves)
        var asHalf = TensorAccumulator(heads: 1, headDim: headDim)
        var asFloat = asHalf
        halves.withUnsafeBufferPointer { asHalf.append(half: $0) }
        values.withUnsafeBufferPointer { asFloat.append(float: $0) }
        for (summary, elements) in [(asHalf.finish(), stored), (asFloat.finish(), values)] {
            for channel in 0..<headDim {
                let column = (0..<tokens).map { elements[$0 * headDim + channel] }
                let reference = ReferenceStatistics(column), n = Double(tokens)
                let moments = summary.channel(head: 0, channel: channel).moments
                let deviation = (reference.centralSum(2) / n).squareRoot()
                let skewness = reference.centralSum(3) / n / (deviation * deviation * deviation)
                #expect(isClose(moments.mean, reference.mean, relative: promisedError, floor: deviation))
                #expect(isClose(moments.standardDeviation, deviation, relative: promisedError))
                #expect(isClose(moments.skewness, skewness, relative: promisedError, floor: 1))
                #expect(
                    isClose(moments.excessKurtosis, reference.excessKurtosis, relative: promisedError, floor: 3)
                )
            }
        }
    }

    /// Constant channels far from 0 have no deviation at all, however their elements are summed.
    @Test func constantChannelsStayConstant() {
        for tokens in [1, 7, 63, 64, 65, 300, 5000] {
            for value: Float in [0.1, -1234.567, 3e-20, 65504] {
                let moments = TensorSummary.single([Float](repeating: value, count: tokens)).context.moments
                #expect(moments.standardDeviation == 0 && moments.excessKurtosis == nil, "\(tokens) of \(value)")
                #expect(moments.mean == Double(value), "\(tokens) of \(value)")
            }
        }
    }
}
