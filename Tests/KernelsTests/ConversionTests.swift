import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct ConversionTests {
    @Test(arguments: Implementation.all)
    func everyHalfWidensToItsValue(_ implementation: Implementation) {
        let halves = (0...UInt16.max).map { $0 }
        var floats = [Float](repeating: -1, count: halves.count)
        implementation.kernels.pointee.half_to_float(halves, &floats, halves.count)
        for half in halves {
            let expected = Float(Float16(bitPattern: half)), got = floats[Int(half)]
            if expected.isNaN {
                let payload = UInt32(half & 0x3FF) << 13 | 0x7FC0_0000 | UInt32(half & 0x8000) << 16
                #expect(got.bitPattern == payload, "half \(half)")
            } else if got.bitPattern != expected.bitPattern {
                Issue.record("half \(half): \(got), not \(expected)")
            }
        }
    }

    /// Every half, the midpoint to the next, and the floats just beside both: all places where rounding turns.
    @Test(arguments: Implementation.all)
    func narrowingRoundsToNearestEven(_ implementation: Implementation) {
        var floats: [Float] = []
        for half in UInt16(0)...0x7C00 {
            let value = Float(Float16(bitPattern: half))
            let midpoint = half < 0x7BFF ? (value + Float(Float16(bitPattern: half + 1))) / 2 : 65520
            for x in [value, value.nextUp, midpoint, midpoint.nextUp, midpoint.nextDown] { floats += [x, -x] }
        }
        floats += [.nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        var halves = [UInt16](repeating: 1, count: floats.count)
        implementation.kernels.pointee.float_to_half(floats, &halves, floats.count)
        for (float, half) in zip(floats, halves) where !float.isNaN {
            if half != Float16(float).bitPattern { Issue.record("\(float): \(half), not \(Float16(float).bitPattern)") }
        }
    }

    @Test(arguments: Implementation.all)
    func nanStaysNaNWithItsLeadingPayload(_ implementation: Implementation) {
        let patterns: [UInt32] = [0x7F80_0001, 0x7FC0_0000, 0xFFA0_2000, 0x7FBF_FFFF, 0xFFFF_FFFF]
        let floats = patterns.map { Float(bitPattern: $0) }
        var halves = [UInt16](repeating: 0, count: floats.count), bfloats = halves
        implementation.kernels.pointee.float_to_half(floats, &halves, floats.count)
        implementation.kernels.pointee.float_to_bfloat(floats, &bfloats, floats.count)
        for (index, pattern) in patterns.enumerated() {
            let sign = UInt16(pattern >> 16 & 0x8000)
            #expect(halves[index] == sign | 0x7E00 | UInt16(pattern >> 13 & 0x3FF))
            #expect(bfloats[index] == UInt16(pattern >> 16) | 0x40)
        }
    }

    @Test(arguments: Implementation.all)
    func bfloatRoundTripIsExactAndRoundingIsToNearestEven(_ implementation: Implementation) {
        let words = (0...UInt16.max).filter { $0 & 0x7F80 != 0x7F80 }
        var floats = [Float](repeating: 0, count: words.count), back = [UInt16](repeating: 0, count: words.count)
        implementation.kernels.pointee.bfloat_to_float(words, &floats, words.count)
        implementation.kernels.pointee.float_to_bfloat(floats, &back, words.count)
        #expect(back == words)
        #expect(zip(words, floats).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
        let ties: [(UInt32, UInt16)] = [
            (0x3F80_8000, 0x3F80), (0x3F81_8000, 0x3F82), (0x3F80_8001, 0x3F81), (0x3F81_7FFF, 0x3F81),
            (0x7F7F_FFFF, 0x7F80), (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80),
        ]
        let inputs = ties.map { Float(bitPattern: $0.0) }
        var rounded = [UInt16](repeating: 0, count: ties.count)
        implementation.kernels.pointee.float_to_bfloat(inputs, &rounded, inputs.count)
        #expect(rounded == ties.map { $0.1 })
    }

    @Test(arguments: Implementation.all)
    func everyLengthWritesItsElementsAndNoMore(_ implementation: Implementation) {
        for count in lengths {
            let floats = SampleKind.gaussian.values(count, seed: 3)
            var halves = [UInt16](repeating: 0xABCD, count: count + 8), bfloats = halves
            implementation.kernels.pointee.float_to_half(floats, &halves, count)
            implementation.kernels.pointee.float_to_bfloat(floats, &bfloats, count)
            #expect(halves[..<count].elementsEqual(floats.map { Float16($0).bitPattern }), "\(count)")
            #expect(halves[count...].allSatisfy { $0 == 0xABCD } && bfloats[count...].allSatisfy { $0 == 0xABCD })
            var back = [Float](repeating: 9, count: count + 8), wide = back
            implementation.kernels.pointee.half_to_float(halves, &back, count)
            implementation.kernels.pointee.bfloat_to_float(bfloats, &wide, count)
            #expect(back[..<count].elementsEqual(floats.map { Float(Float16($0)) }), "\(count)")
            #expect(back[count...].allSatisfy { $0 == 9 } && wide[count...].allSatisfy { $0 == 9 })
        }
    }

    @Test func arraysConvertAsPointersDo() {
        #expect(HalfConversion.toFloat([0x3C00, 0xC000, 0x0001]) == [1, -2, 0x1p-24])
        #expect(HalfConversion.toHalf([1, -2, 1e9]) == [0x3C00, 0xC000, 0x7C00])
        #expect(HalfConversion.toFloat([]).isEmpty && HalfConversion.toHalf([]).isEmpty)
        #expect(HalfConversion.toFloat(bfloat16: [0x3F80]) == [1] && HalfConversion.toBFloat([1]) == [0x3F80])
        #expect(HalfConversion.toFloat(0x3C00) == 1 && HalfConversion.toHalf(Float(0.5)) == 0x3800)
    }
}
