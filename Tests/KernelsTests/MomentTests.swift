import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct MomentTests {
    /// Every sum of `x` by definition, about `shift`.
    static func definition(_ x: [Float], shift: Float) -> Moments {
        var moments = Moments(shift: shift)
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
        }
        return moments
    }

    /// What roundings are relative to: Σ|x|, and for each power k = 1…4 Σ(|x − c| + |c − shift|)^k.
    ///
    /// Kernels may sum 64 elements about their mean c and move that to the shift:
    /// Σ C(k, j)·|c − shift|^(k − j)·Σ|x − c|^j. It is no less than Σ|x − shift|^k.
    static func absoluteSums(_ x: [Float], shift: Float) -> [Double] {
        var sums = [Double](repeating: 0, count: 5)
        for start in stride(from: 0, to: x.count, by: 64) {
            let slice = x[start..<min(x.count, start + 64)]
            let finite = slice.filter { $0.isFinite }
            let centre = finite.isEmpty ? Double(shift) : finite.reduce(0.0) { $0 + Double($1) } / Double(finite.count)
            for value in slice where value.isFinite {
                let distance = abs(Double(value) - centre) + abs(centre - Double(shift))
                sums[0] += abs(Double(value))
                for order in 1..<5 { sums[order] += (0..<order).reduce(1.0) { power, _ in power * distance } }
            }
        }
        return sums
    }

    static func expectEqual(_ got: Moments, _ x: [Float], _ label: String) {
        let expected = definition(x, shift: got.shift), absolute = absoluteSums(x, shift: got.shift)
        #expect(got.count == expected.count && got.nanCount == expected.nanCount, "\(label)")
        #expect(got.infinityCount == expected.infinityCount, "\(label)")
        #expect(got.minimum == expected.minimum && got.maximum == expected.maximum, "\(label)")
        // 64 additions in float32 and up to four roundings of the term itself; x − c rounds once in each factor.
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

    @Test func sumsOfKnownNumbers() {
        var moments = [Moments(shift: 1)], none: [Moments] = []
        MomentSweep.add(
            float: [1, 2, 3, 4, -10],
            tokens: 5,
            channels: 1,
            tokenStride: 1,
            channelMoments: &moments,
            tokenMoments: &none
        )
        var expected = Moments(shift: 1)
        expected.count = 5
        expected.minimum = -10
        expected.maximum = 4
        expected.sumAbsolute = 20
        // Of 0, 1, 2, 3 and −11.
        (expected.power1, expected.power2) = (-5, 135)
        (expected.power3, expected.power4) = (-1295, 14739)
        #expect(moments == [expected])
    }
}
