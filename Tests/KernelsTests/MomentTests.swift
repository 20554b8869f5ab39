import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct MomentTests {
    /// Every sum of `x` by definition, about `shift`, with the absolute sums that bound rounding.
    static func definition(_ x: [Float], shift: Float) -> (moments: Moments, absolute: [Double]) {
        var moments = Moments(shift: shift)
        var absolute = [Double](repeating: 0, count: 5)
        for value in x {
            if value.isNaN { moments.nanCount += 1 } else if value.isInfinite { moments.infinityCount += 1 }
            guard value.isFinite else { continue }
            let d = Double(value) - Double(shift)
            moments.count += 1
            moments.minimum = min(moments.minimum, value)
            moments.maximum = max(moments.maximum, value)
            moments.sumAbsolute += abs(Double(value))
            moments.power1 += d
            moments.power2 += d * d
            moments.power3 += d * d * d
            moments.power4 += d * d * d * d
            for order in 0..<5 {
                absolute[order] += order == 0 ? abs(Double(value)) : (0..<order).reduce(1.0) { p, _ in p * abs(d) }
            }
        }
        return (moments, absolute)
    }

    static func expectEqual(_ got: Moments, _ x: [Float], _ label: String) {
        let (expected, absolute) = definition(x, shift: got.shift)
        #expect(got.count == expected.count && got.nanCount == expected.nanCount, "\(label)")
        #expect(got.infinityCount == expected.infinityCount, "\(label)")
        #expect(got.minimum == expected.minimum && got.maximum == expected.maximum, "\(label)")
        // 64 additions in float32 and up to four roundings of the term itself; x − shift rounds once in each factor.
        let bound = 72 * unit
        #expect(abs(got.sumAbsolute - expected.sumAbsolute) <= bound * absolute[0], "\(label)")
        #expect(abs(got.power1 - expected.power1) <= bound * absolute[1], "\(label)")
        #expect(abs(got.power2 - expected.power2) <= bound * absolute[2], "\(label)")
        #expect(abs(got.power3 - expected.power3) <= bound * absolute[3], "\(label)")
        #expect(abs(got.power4 - expected.power4) <= bound * absolute[4], "\(label)")
    }

    @Test(arguments: SampleKind.allCases, [true, false])
    func sweepEqualsTheDefinitionForEveryShape(_ kind: SampleKind, _ isHalf: Bool) {
        let shapes = (0...33).map { ($0, 11) } + (1...33).map { (9, $0) } + [(130, 40), (65, 513), (3, 1030)]
        for (tokens, channels) in shapes {
            let stride = channels + 2
            let halves = HalfConversion.toHalf(kind.values(tokens * stride, seed: 41))
            let floats = HalfConversion.toFloat(halves)
            var byChannel = (0..<channels).map { Moments(shift: Float($0 % 3) * 0.25 - 0.5) }
            var byToken = (0..<tokens).map { Moments(shift: Float($0 % 2) * 0.125) }
            if isHalf {
                MomentSweep.add(
                    half: halves,
                    tokens: tokens,
                    channels: channels,
                    tokenStride: stride,
                    channelMoments: &byChannel,
                    tokenMoments: &byToken
                )
            } else {
                MomentSweep.add(
                    float: floats,
                    tokens: tokens,
                    channels: channels,
                    tokenStride: stride,
                    channelMoments: &byChannel,
                    tokenMoments: &byToken
                )
            }
            for channel in 0..<channels {
                Self.expectEqual(
                    byChannel[channel],
                    (0..<tokens).map { floats[$0 * stride + channel] },
                    "\(tokens) × \(channels)"
                )
            }
            for token in 0..<tokens {
                Self.expectEqual(
                    byToken[token],
                    Array(floats[(token * stride)..<(token * stride + channels)]),
                    "\(tokens) × \(channels)"
                )
            }
        }
    }

    @Test func sweepsAddUpAndEitherDirectionMayBeLeftOut() {
        let halves = HalfConversion.toHalf(SampleKind.gaussian.values(64 * 16, seed: 42)),
            floats = HalfConversion.toFloat(halves)
        var byChannel = [Moments](repeating: Moments(), count: 16), none: [Moments] = []
        halves.withUnsafeBufferPointer { halves in
            guard let base = halves.baseAddress else { return }
            for first in [0, 32] {
                MomentSweep.add(
                    half: base + first * 16,
                    tokens: 32,
                    channels: 16,
                    tokenStride: 16,
                    channelMoments: &byChannel,
                    tokenMoments: &none
                )
            }
        }
        for channel in 0..<16 {
            Self.expectEqual(byChannel[channel], (0..<64).map { floats[$0 * 16 + channel] }, "sum")
        }
    }

    @Test func mergeOfPartsEqualsTheWholeWhateverTheShifts() {
        let x = SampleKind.outlier.values(500, seed: 43)
        let whole = Self.definition(x, shift: 0).moments
        var merged = Self.definition(Array(x[..<123]), shift: 0.5).moments
        merged.merge(Self.definition(Array(x[123...]), shift: -2).moments)
        merged.merge(Moments())
        #expect(merged.count == 500 && merged.minimum == whole.minimum && merged.maximum == whole.maximum)
        #expect(abs(merged.mean - whole.mean) <= 1e-12 * abs(whole.mean) + 1e-12)
        #expect(abs(merged.variance / whole.variance - 1) < 1e-11)
        #expect(abs(merged.excessKurtosis / whole.excessKurtosis - 1) < 1e-10)
        #expect(abs(merged.skewness / whole.skewness - 1) < 1e-10)
    }

    @Test func summariesOfKnownNumbers() {
        var moments = [Moments(shift: 1)], none: [Moments] = []
        MomentSweep.add(
            float: [1, 2, 3, 4, -10],
            tokens: 5,
            channels: 1,
            tokenStride: 1,
            channelMoments: &moments,
            tokenMoments: &none
        )
        #expect(moments[0].sum == 0 && moments[0].mean == 0 && moments[0].variance == 26)
        #expect(moments[0].absoluteMaximum == 10 && moments[0].meanAbsolute == 4)
        #expect(abs(moments[0].excessKurtosis - (10354.0 / 5 / 676 - 3)) < 1e-12)
        #expect(Moments().mean.isNaN && Moments().absoluteMaximum.isNaN && Moments().excessKurtosis.isNaN)
    }

    @Test func histogramQuantilesEqualThoseOfTheSortedNumbers() {
        for count in Array(1...33) + [1000] {
            let halves = HalfConversion.toHalf(SampleKind.outlier.values(count, seed: 44))
            var histogram = HalfHistogram(), other = HalfHistogram()
            histogram.add(halves, tokens: 1, channels: count / 2, tokenStride: 0)
            halves.withUnsafeBufferPointer { halves in
                guard let base = halves.baseAddress else { return }
                other.add(base + count / 2, tokens: count - count / 2, channels: 1, tokenStride: 1)
            }
            histogram.merge(other)
            let shares = [0, 0.001, 0.01, 0.5, 0.99, 0.999, 1]
            for (got, x) in [
                (histogram.quantiles(shares), HalfConversion.toFloat(halves).sorted()),
                (histogram.absoluteQuantiles(shares), HalfConversion.toFloat(halves).map { abs($0) }.sorted()),
            ] {
                for (share, quantile) in zip(shares, got) {
                    let place = share * Double(count - 1), low = Int(place), high = Int(place.rounded(.up))
                    let expected = Double(x[low]) + (Double(x[high]) - Double(x[low])) * (place - Double(low))
                    #expect(quantile == expected, "\(share) of \(count)")
                }
            }
        }
    }

    @Test func histogramLeavesNaNAndInfinityOutOfQuantiles() {
        var histogram = HalfHistogram()
        histogram.add([0x7C00, 0xFC00, 0x7E00, 0x3C00], tokens: 1, channels: 4, tokenStride: 4)
        #expect(histogram.finiteCount == 1 && histogram.quantiles([0, 1]) == [1, 1])
        #expect(histogram.counts[0x7E00] == 1 && histogram.counts.reduce(0, +) == 4)
        #expect(HalfHistogram().quantiles([0.5])[0].isNaN)
    }
}
