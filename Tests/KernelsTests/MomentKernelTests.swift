import CKernels
import Kernels
import TensorCore
import Testing

/// The sweep's kernels by instruction set; ``MomentTests`` sees the one in use, from Swift.
@Suite struct MomentKernelTests {
    private struct Result {
        var byChannel: [kva_moments]
        var byToken: [kva_moments]
        var counters: [UInt16]
    }

    private static let bins = MomentSweep.binCount

    /// - Parameter elements: float16 bits or float32.
    private func sweep<Element>(
        _ kernels: UnsafePointer<kva_kernels>,
        _ elements: [Element],
        tokens: Int,
        channels: Int,
        stride: Int,
        sides: (channels: Bool, tokens: Bool, counters: Bool) = (true, true, true)
    ) -> Result {
        func records(_ count: Int) -> [kva_moments] {
            (0..<count).map { place in
                var record = kva_moments()
                (record.minimum, record.maximum) = (.infinity, -.infinity)
                record.shift = Float(place % 3) * 0.25 - 0.5
                return record
            }
        }
        let slab = Block(elements), byChannel = Block(records(channels)), byToken = Block(records(tokens))
        let counters = Block([UInt16](repeating: 0, count: channels * Self.bins))
        var sweep = kva_moment_sweep(
            elements: UnsafeRawPointer(slab.base),
            is_half: Element.self == UInt16.self ? 1 : 0,
            tokens: tokens,
            channels: channels,
            token_stride: stride,
            channel_moments: sides.channels ? byChannel.base : nil,
            token_moments: sides.tokens ? byToken.base : nil,
            counters: sides.counters ? counters.base : nil
        )
        kernels.pointee.moment_sweep(&sweep)
        return Result(byChannel: byChannel.values, byToken: byToken.values, counters: counters.values)
    }

    private func expectEqual(_ got: kva_moments, _ x: [Float], _ label: String) {
        var moments = Moments(shift: got.shift)
        (moments.count, moments.nanCount) = (Int(got.count), Int(got.nan_count))
        moments.infinityCount = Int(got.infinity_count)
        (moments.minimum, moments.maximum, moments.sumAbsolute) = (got.minimum, got.maximum, got.sum_absolute)
        (moments.power1, moments.power2) = (got.power1, got.power2)
        (moments.power3, moments.power4) = (got.power3, got.power4)
        MomentTests.expectEqual(moments, x, label)
        #expect(got.minimum.bitPattern != 0x8000_0000 && got.maximum.bitPattern != 0x8000_0000, "\(label)")
    }

    /// Around the widths of vectors, the 64 tokens of a sum and the 256 of a block.
    private static let shapes =
        (0...33).map { ($0, 17) } + (1...33).map { (70, $0) }
        + [(63, 64), (64, 32), (65, 33), (255, 40), (256, 64), (257, 64), (320, 96), (640, 48), (3, 1030)]

    @Test(arguments: Implementation.all, SampleKind.allCases)
    func sumsAreTheDefinitionsAndCountersTheReferences(_ implementation: Implementation, _ kind: SampleKind) {
        for (tokens, channels) in Self.shapes {
            let stride = channels + tokens % 2 * 3
            let halves = HalfConversion.toHalf(kind.values(tokens * stride, seed: 61))
            let floats = HalfConversion.toFloat(halves)
            let got = sweep(implementation.kernels, halves, tokens: tokens, channels: channels, stride: stride)
            let wide = sweep(implementation.kernels, floats, tokens: tokens, channels: channels, stride: stride)
            let label = "\(kind), \(tokens) × \(channels)"
            for channel in 0..<channels {
                let column = (0..<tokens).map { floats[$0 * stride + channel] }
                expectEqual(got.byChannel[channel], column, label)
                expectEqual(wide.byChannel[channel], column, label)
                #expect(got.byChannel[channel].power4 == wide.byChannel[channel].power4, "\(label)")
                #expect(got.byChannel[channel].sum_absolute == wide.byChannel[channel].sum_absolute, "\(label)")
            }
            for token in 0..<tokens {
                let row = Array(floats[(token * stride)..<(token * stride + channels)])
                expectEqual(got.byToken[token], row, label)
                expectEqual(wide.byToken[token], row, label)
                #expect(got.byToken[token].power4 == wide.byToken[token].power4, "\(label)")
            }
            var counters = [UInt16](repeating: 0, count: channels * Self.bins)
            for token in 0..<tokens {
                for channel in 0..<channels {
                    counters[channel * Self.bins + Int(halves[token * stride + channel] >> 5)] += 1
                }
            }
            #expect(got.counters == counters, "\(label)")
            #expect(wide.counters == counters, "\(label)")
        }
    }

    @Test(arguments: Implementation.all)
    func sidesMayBeAskedForAlone(_ implementation: Implementation) {
        let halves = HalfConversion.toHalf(SampleKind.outlier.values(300 * 64, seed: 62))
        let all = sweep(implementation.kernels, halves, tokens: 300, channels: 64, stride: 64)
        func part(_ sides: (Bool, Bool, Bool)) -> Result {
            sweep(implementation.kernels, halves, tokens: 300, channels: 64, stride: 64, sides: sides)
        }
        let channels = part((true, false, false)), tokens = part((false, true, false))
        let counters = part((false, false, true)), none = part((false, false, false))
        #expect(channels.byChannel.map(\.power3) == all.byChannel.map(\.power3))
        #expect(channels.byToken.allSatisfy { $0.count == 0 } && channels.counters.allSatisfy { $0 == 0 })
        #expect(tokens.byToken.map(\.power3) == all.byToken.map(\.power3))
        #expect(tokens.byChannel.allSatisfy { $0.count == 0 } && tokens.counters.allSatisfy { $0 == 0 })
        #expect(counters.counters == all.counters && counters.byChannel.allSatisfy { $0.count == 0 })
        #expect(none.counters.allSatisfy { $0 == 0 } && none.byToken.allSatisfy { $0.count == 0 })
    }

    /// Every float16, each in a channel with others of one sign or of both.
    @Test(arguments: Implementation.all)
    func extremesOfEveryHalf(_ implementation: Implementation) {
        let channels = 2048, tokens = 32
        for offset in [0, 7] {
            let halves = (0..<tokens * channels).map { UInt16($0 % channels * 32 + ($0 / channels + offset) % 32) }
            let got = sweep(implementation.kernels, halves, tokens: tokens, channels: channels, stride: channels)
            let floats = HalfConversion.toFloat(halves)
            for channel in 0..<channels {
                let column = (0..<tokens).map { floats[$0 * channels + channel] }.filter { $0.isFinite }
                #expect(got.byChannel[channel].minimum == column.min() ?? .infinity)
                #expect(got.byChannel[channel].maximum == column.max() ?? -.infinity)
            }
        }
    }

    @Test(arguments: Implementation.all)
    func float32BeyondFloat16IsCountedInTheLastBins(_ implementation: Implementation) {
        let edges: [Float] = [65504, 65519, 65520, 1e30, -1e30, .infinity, -.infinity, .nan, 0x1p-30, -0x1p-14, -0.0]
        // 64 tokens of 64 channels take the fast way.
        let slab = (0..<64 * 64).map { edges[$0 % 64 % edges.count] }
        let got = sweep(implementation.kernels, slab, tokens: 64, channels: 64, stride: 64)
        let bins = [991, 991, 991, 991, 2015, 992, 2016, 1008, 0, 1056, 1024]
        for (channel, bin) in bins.enumerated() {
            #expect(got.counters[channel * Self.bins + bin] == 64, "\(edges[channel])")
        }
    }

    @Test(arguments: Implementation.all)
    func aPoisonedElementTouchesItsOwnChannelAndTokenOnly(_ implementation: Implementation) {
        var floats = SampleKind.gaussian.values(256 * 64, seed: 63)
        let clean = sweep(
            implementation.kernels,
            HalfConversion.toHalf(floats),
            tokens: 256,
            channels: 64,
            stride: 64
        )
        (floats[5 * 64 + 9], floats[70 * 64 + 40]) = (.nan, -.infinity)
        let got = sweep(implementation.kernels, HalfConversion.toHalf(floats), tokens: 256, channels: 64, stride: 64)
        for channel in 0..<64 where channel != 9 && channel != 40 {
            #expect(got.byChannel[channel].power4 == clean.byChannel[channel].power4)
        }
        for token in 0..<256 where token != 5 && token != 70 {
            #expect(got.byToken[token].power4 == clean.byToken[token].power4)
        }
        #expect(got.byChannel[9].nan_count == 1 && got.byChannel[40].infinity_count == 1)
        #expect(got.byToken[5].nan_count == 1 && got.byToken[70].infinity_count == 1)
    }
}
