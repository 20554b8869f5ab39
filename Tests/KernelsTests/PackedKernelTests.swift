import CKernels
import Kernels
import TensorCore
import Testing

/// Attention over packed keys and values, every instruction set against the definition in double.
@Suite struct PackedKernelTests {
    static var reference: UnsafePointer<kva_kernels> { Implementation.reference }
    static let widths = [1, 2, 3, 4, 8]
    /// Each has channels that fill a panel, or do not, and groups for which there is a fast path, or is none.
    static let shapes = [(channels: 128, group: 32), (80, 64), (64, 32), (20, 1000), (33, 32), (48, 16)]
    static let lengths = Array(1...33) + [63, 64, 65, 255, 256, 257, 300]

    /// Largest |error| of a sum of `count` products: what rounding factors to digits may cost, and float32.
    ///
    /// Two digits: |row·envelope|/largest is rounded to 2^-16, scale/envelope to 2^-15.9, their product again:
    /// under 2^-14 of the largest together; one digit, 2^-8 more; three, 2^-23. Each meets a code of
    /// at most 2^bits − 1. Sums of minima and the result are rounded in float32.
    func bound(_ sample: PackedSample, rows: [Float], count: Int, digits: Int, magnitude: Double) -> Double {
        let factors: [Int: Double] = [1: 0x1p-14 + 0x1p-8, 2: 0x1p-14, 3: 0x1p-23]
        let factor = factors[digits] ?? 0
        let largest = Double(rows.map { $0.magnitude }.max() ?? 0) * Double(sample.largestScale)
        let codes = Double((1 << sample.bits) - 1)
        let rounded: Double = Double(count) * codes * factor * largest
        let float: Double = Double(count + 8) * unit * magnitude
        return rounded + float
    }

    @Test(arguments: Implementation.all, PackedSample.Side.allCases)
    func everyShapeAndLengthStaysWithinItsBound(_ implementation: Implementation, _ side: PackedSample.Side) {
        for bits in Self.widths {
            for (channels, group) in Self.shapes {
                for count in Self.lengths where channels != 48 || count < 70 {
                    let queries = 1 + count % 6, digits = 1 + (count + bits) % 3
                    let sample = PackedSample(
                        side,
                        bits: bits,
                        channels: channels,
                        groupSize: group,
                        tokens: count,
                        isSymmetric: count % 5 == 1,
                        isFloat: count % 4 == 2,
                        seed: UInt64(count * 8 + bits)
                    )
                    let rows = sample.rows(queries, count: count, seed: UInt64(channels))
                    let expected = sample.result(Self.reference, count: count, queries: queries, digits: 3, rows: rows)
                    let got = sample.result(
                        implementation.kernels,
                        count: count,
                        queries: queries,
                        digits: digits,
                        rows: rows
                    )
                    let summed = side == .keys ? channels : count
                    let rowMagnitude = Double(rows.map { $0.magnitude }.max() ?? 0)
                    let element: Double = Double(sample.largestScale) * Double(1 << bits) + 4
                    let magnitude: Double = Double(summed) * rowMagnitude * element
                    let bound = bound(sample, rows: rows, count: summed, digits: digits, magnitude: magnitude)
                    let worst = zip(got, expected).map { abs(Double($0) - Double($1)) }.max() ?? 0
                    #expect(
                        worst <= bound,
                        "\(bits) bits, \(channels) channels in groups of \(group), \(count) tokens, \(queries) queries, \(digits) digits: off by \(worst), allowed \(bound)"
                    )
                }
            }
        }
    }

    @Test(arguments: Implementation.all, PackedSample.Side.allCases)
    func threeDigitsAreAsGoodAsFloat32AndFewerFarBelowTheSchemesOwnError(
        _ implementation: Implementation,
        _ side: PackedSample.Side
    ) {
        // Norms of errors relative to the result; two-bit quantization itself costs 0.3.
        let allowed: [Int: Double] = side == .keys ? [1: 0.04, 2: 3e-4, 3: 1e-6] : [1: 0.15, 2: 1e-3, 3: 2e-6]
        for bits in [2, 4] {
            for outlier in [nil, 5] {
                let sample = PackedSample(
                    side,
                    bits: bits,
                    channels: 128,
                    groupSize: 32,
                    tokens: 1024,
                    outlierChannel: outlier,
                    seed: 7
                )
                let rows = sample.rows(4, count: 1024, seed: 9)
                let expected = sample.result(Self.reference, count: 1024, queries: 4, digits: 3, rows: rows)
                for (digits, limit) in allowed {
                    let got = sample.result(implementation.kernels, count: 1024, queries: 4, digits: digits, rows: rows)
                    let error = relativeError(got, expected)
                    #expect(error <= limit, "\(bits) bits, \(digits) digits, outlier \(outlier ?? -1): \(error)")
                }
            }
        }
    }

    @Test(arguments: Implementation.all)
    func aRangeOfTokensIsThatPartOfTheWhole(_ implementation: Implementation) {
        let sample = PackedSample(.keys, bits: 2, channels: 64, groupSize: 32, tokens: 300, seed: 3)
        let rows = sample.rows(2, count: 300, seed: 4)
        let whole = sample.result(Self.reference, count: 300, queries: 2, digits: 3, rows: rows)
        let part = sample.result(implementation.kernels, first: 96, count: 150, queries: 2, digits: 3, rows: rows)
        let expected = Array(whole[96..<246]) + Array(whole[396..<546])
        #expect(relativeError(part, expected) < 1e-6)
    }

    @Test(arguments: Implementation.all)
    func aNaNInAGroupReachesThatGroupAndNoOther(_ implementation: Implementation) {
        // Keys: the group's tokens. The group is tokens 32…63 of channel 7.
        let keys = PackedSample(.keys, bits: 2, channels: 64, groupSize: 32, tokens: 128, seed: 5)
        let rows = keys.rows(3, count: 128, seed: 6)
        let clean = keys.result(implementation.kernels, count: 128, queries: 3, digits: 2, rows: rows)
        keys.halves.base[128 + 7] = 0
        keys.halves.base[128 + 64 + 7] = 0x7E00
        let spoiled = keys.result(implementation.kernels, count: 128, queries: 3, digits: 2, rows: rows)
        for (index, pair) in zip(clean, spoiled).enumerated() {
            let isGroup = (32..<64).contains(index % 128)
            #expect(isGroup ? pair.1.isNaN : abs(pair.0 - pair.1) <= 0.01 * (1 + abs(pair.0)), "token \(index % 128)")
        }
        // Values: the group's channels. The group is channels 32…63 of token 40.
        let values = PackedSample(.values, bits: 2, channels: 64, groupSize: 32, tokens: 128, seed: 5)
        let weights = values.rows(1, count: 128, seed: 6)
        values.halves.base[128 + 64 + 8] = 0
        values.halves.base[128 + 64 + 32 + 8] = 0x7E00
        let output = values.result(implementation.kernels, count: 128, queries: 1, digits: 2, rows: weights)
        for channel in 0..<64 { #expect(output[channel].isNaN == (channel >= 32), "channel \(channel)") }
    }

    @Test(arguments: Implementation.all, PackedSample.Side.allCases)
    func rowsThatAreNotFiniteGiveWhatTheDefinitionGives(_ implementation: Implementation, _ side: PackedSample.Side) {
        for bad in [Float.nan, .infinity, -.infinity] {
            let sample = PackedSample(side, bits: 2, channels: 64, groupSize: 32, tokens: 64, seed: 11)
            var rows = sample.rows(2, count: 64, seed: 12)
            rows[3] = bad
            let expected = sample.result(Self.reference, count: 64, queries: 2, digits: 2, rows: rows)
            let got = sample.result(implementation.kernels, count: 64, queries: 2, digits: 2, rows: rows)
            for (a, b) in zip(got, expected) {
                #expect(b.isFinite ? abs(a - b) <= 1e-3 * (1 + abs(b)) : (a == b || (a.isNaN && b.isNaN)))
            }
        }
    }

    @Test(arguments: Implementation.all, PackedSample.Side.allCases)
    func zeroAndTinyRowsGiveZero(_ implementation: Implementation, _ side: PackedSample.Side) {
        let sample = PackedSample(side, bits: 4, channels: 64, groupSize: 32, tokens: 64, seed: 13)
        for value in [Float(0), 0x1p-140] {
            let rows = [Float](repeating: value, count: 2 * (side == .keys ? 64 : 67))
            for digits in 1...3 {
                let got = sample.result(implementation.kernels, count: 64, queries: 2, digits: digits, rows: rows)
                #expect(got.allSatisfy { abs($0) < 1e-36 })
            }
        }
    }

    @Test(arguments: Implementation.all)
    func aGivenEnvelopeChangesNoMoreThanRounding(_ implementation: Implementation) {
        let sample = PackedSample(
            .keys,
            bits: 2,
            channels: 128,
            groupSize: 32,
            tokens: 256,
            outlierChannel: 9,
            seed: 15
        )
        let rows = sample.rows(2, count: 256, seed: 16)
        let expected = sample.result(Self.reference, count: 256, queries: 2, digits: 3, rows: rows)
        var envelope = [Float](repeating: 0, count: 128)
        for group in 0..<8 {
            for channel in 0..<128 {
                envelope[channel] = max(envelope[channel], sample.floats.values[group * 256 + channel])
            }
        }
        for (digits, limit) in [1: 0.04, 2: 3e-4, 3: 1e-6] {
            var side = sample.packed(count: 256, queries: 2, digits: digits)
            var scores = [Float](repeating: .nan, count: 2 * side.score_stride)
            envelope.withUnsafeBufferPointer {
                side.envelope = $0.baseAddress
                implementation.kernels.pointee.packed_scores(&side, rows, &scores)
            }
            let got = Array(scores[0..<256]) + Array(scores[259..<259 + 256])
            #expect(relativeError(got, expected) < limit)
        }
    }
}
