import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct AffineQuantizerTests {
    /// kivi.md §1.7: one group of 32, computed with numpy from the reference's source.
    static let golden = (0..<32).map { HalfConversion.toHalf(Float(13 * $0 % 32 - 11) / 8) }

    struct Golden: Sendable {
        let bits: Int
        let scale: Float
        let codes: [UInt8]
        let words: [UInt32]
    }

    static let goldens = [
        Golden(
            bits: 2,
            scale: 1.2919921875,
            codes: [
                0, 1, 3, 1, 2, 0, 1, 3, 1, 2, 0, 1, 3, 1, 2, 0, 2, 3, 1, 2, 0, 2, 3, 1, 2, 0, 2, 3, 1, 2, 1, 2,
            ],
            words: [0x2749_d274, 0x99e2_789e]
        ),
        Golden(
            bits: 4,
            scale: 0.25830078125,
            codes: [
                0, 6, 13, 3, 10, 0, 7, 13, 4, 10, 1, 7, 14, 4, 11, 1, 8, 14, 5, 11, 2, 8, 15, 5, 12, 2, 9, 15, 6, 12,
                3, 9,
            ],
            words: [0xd70a_3d60, 0x1b4e_71a4, 0x5f82_b5e8, 0x93c6_f92c]
        ),
    ]

    @Test(arguments: goldens, GroupedAxis.allCases)
    func goldenVectorGivesItsCodesAndWords(_ golden: Golden, _ axis: GroupedAxis) {
        // Eight equal rows, so that the vector path runs in both directions.
        let tokens = axis == .tokens ? 32 : 8, channels = axis == .tokens ? 8 : 32
        let slab = (0..<tokens * channels).map { Self.golden[axis == .tokens ? $0 / channels : $0 % channels] }
        let packed = AffineQuantizer.quantize(
            slab,
            tokens: tokens,
            channels: channels,
            tokenStride: channels,
            bits: golden.bits,
            groupSize: 32,
            groupedAxis: axis
        )
        #expect(packed.scales == [UInt16](repeating: HalfConversion.toHalf(golden.scale), count: 8))
        #expect(packed.minima == [UInt16](repeating: HalfConversion.toHalf(Float(-1.375)), count: 8))
        let row = golden.words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        #expect(packed.codes == Array((0..<8).map { _ in row }.joined()))
        #expect(packed.byteCount == 8 * (32 * golden.bits / 8 + 4))
        var values = [Float](repeating: 0, count: tokens * channels)
        AffineQuantizer.dequantize(packed, into: &values, tokenStride: channels)
        for (index, value) in values.enumerated() {
            let code = golden.codes[axis == .tokens ? index / channels : index % channels]
            #expect(value == golden.scale * Float(code) - 1.375)
        }
    }

    /// The definition, one rounded operation after another, in Swift's own float16.
    static func definition(_ group: [UInt16], bits: Int) -> (scale: UInt16, minimum: UInt16, codes: [Int]) {
        let x = group.map { Float(Float16(bitPattern: $0)) }
        let none = [Int](repeating: 0, count: x.count)
        guard x.allSatisfy({ $0.isFinite }), let smallest = x.min(), let largest = x.max() else {
            return (0, 0x7E00, none)
        }
        func rounded(_ x: Float) -> Float { Float(Float16(x)) }
        let top = Float(1 << bits - 1), minimum = smallest + 0, range = rounded(largest + 0 - minimum)
        guard range.isFinite else { return (0, 0x7E00, none) }
        let scale = rounded(range / top)
        let codes =
            scale == 0
            ? none
            : x.map {
                Int(min(max(rounded(rounded($0 - minimum) / scale), 0), top).rounded(.toNearestOrEven))
            }
        return (Float16(scale).bitPattern, Float16(minimum).bitPattern, codes)
    }

    @Test(arguments: [1, 2, 3, 4, 8], GroupedAxis.allCases)
    func everyShapeFollowsTheDefinition(_ bits: Int, _ axis: GroupedAxis) {
        var generator = SeededGenerator(seed: 31)
        let shapes =
            (1...33).map { ($0, 9, 8) } + [(64, 16, 32), (70, 24, 32), (128, 17, 64), (40, 8, 5), (33, 8, 1000)]
        for (length, rows, groupSize) in shapes {
            for kind in SampleKind.allCases {
                let tokens = axis == .tokens ? length : rows, channels = axis == .tokens ? rows : length
                let stride = channels + 3
                let slab = HalfConversion.toHalf(kind.values(tokens * stride, seed: generator.next()))
                let packed = AffineQuantizer.quantize(
                    slab,
                    tokens: tokens,
                    channels: channels,
                    tokenStride: stride,
                    bits: bits,
                    groupSize: groupSize,
                    groupedAxis: axis
                )
                var values = [Float](repeating: 77, count: tokens * stride)
                AffineQuantizer.dequantize(packed, into: &values, tokenStride: stride)
                for row in 0..<rows {
                    for first in Swift.stride(from: 0, to: length, by: groupSize) {
                        let members = first..<min(length, first + groupSize)
                        let places = members.map { axis == .tokens ? $0 * stride + row : row * stride + $0 }
                        let expected = Self.definition(places.map { slab[$0] }, bits: bits)
                        let group = row * packed.groupsPerRow + first / groupSize
                        #expect(packed.scales[group] == expected.scale && packed.minima[group] == expected.minimum)
                        let scale = Float(Float16(bitPattern: expected.scale))
                        let minimum = Float(Float16(bitPattern: expected.minimum))
                        for (place, code) in zip(places, expected.codes) {
                            let value = scale * Float(code) + minimum
                            if !(values[place] == value || (values[place].isNaN && value.isNaN)) {
                                Issue.record(
                                    "\(bits) bits, \(length) by \(groupSize), \(kind): \(values[place]), not \(value)"
                                )
                            }
                        }
                    }
                }
                #expect((0..<tokens).allSatisfy { values[$0 * stride + channels] == 77 })
            }
        }
    }

    @Test(arguments: Implementation.all, [1, 2, 3, 4, 8])
    func packedBytesEqualTheReference(_ implementation: Implementation, _ bits: Int) {
        for (tokens, channels, groupSize) in [
            (32, 32, 32), (65, 40, 32), (128, 64, 64), (31, 33, 8), (96, 8, 16), (20, 20, 7),
        ] {
            for kind in SampleKind.allCases {
                let slab = HalfConversion.toHalf(kind.values(tokens * channels, seed: 33))
                for axis in GroupedAxis.allCases {
                    let length = axis == .tokens ? tokens : channels, rows = axis == .tokens ? channels : tokens
                    let groups = (length + groupSize - 1) / groupSize, rowBytes = (length * bits + 7) / 8
                    let format = kva_affine_format(
                        element_type: KVA_F16,
                        bits: UInt32(bits),
                        group_size: groupSize,
                        is_symmetric: 0,
                        metadata_is_float: 0
                    )
                    var shape = kva_affine_shape(
                        format: format,
                        tokens: tokens,
                        channels: channels,
                        token_stride: channels,
                        row_bytes: rowBytes,
                        groups_per_row: groups
                    )
                    let results = [implementation.kernels.pointee, Implementation.reference.pointee].map { kernels in
                        var codes = [UInt8](repeating: 0xEE, count: rows * rowBytes)
                        var scales = [UInt16](repeating: 1, count: rows * groups), minima = scales
                        let pack = axis == .tokens ? kernels.quantize_token_groups : kernels.quantize_channel_groups
                        pack(slab, &shape, 0, rows, &codes, &scales, &minima)
                        return (codes, scales, minima)
                    }
                    #expect(results[0] == results[1], "\(kind), \(axis), \(tokens) × \(channels) by \(groupSize)")
                }
            }
        }
    }

    @Test func groupWithNaNDecodesToNaNAndNoOtherDoes() {
        for axis in GroupedAxis.allCases {
            for bad in [UInt16(0x7C00), 0xFC00, 0x7E00] {
                var slab = HalfConversion.toHalf(SampleKind.gaussian.values(64 * 64, seed: 34))
                slab[5 * 64 + 7] = bad
                let packed = AffineQuantizer.quantize(
                    slab,
                    tokens: 64,
                    channels: 64,
                    tokenStride: 64,
                    bits: 2,
                    groupSize: 32,
                    groupedAxis: axis
                )
                var values = [Float](repeating: 0, count: 64 * 64)
                AffineQuantizer.dequantize(packed, into: &values, tokenStride: 64)
                for token in 0..<64 {
                    for channel in 0..<64 {
                        let inGroup = axis == .tokens ? channel == 7 && token < 32 : token == 5 && channel < 32
                        #expect(values[token * 64 + channel].isNaN == inGroup)
                    }
                }
            }
        }
    }

    @Test func constantGroupIsExactAndRangeBeyondHalfIsNaN() {
        let constant = [UInt16](repeating: 0x3555, count: 32)
        let packed = AffineQuantizer.quantize(
            constant,
            tokens: 32,
            channels: 1,
            tokenStride: 1,
            bits: 2,
            groupSize: 32,
            groupedAxis: .tokens
        )
        var values = [Float](repeating: 0, count: 32)
        AffineQuantizer.dequantize(packed, into: &values, tokenStride: 1)
        #expect(packed.scales == [0] && values.allSatisfy { $0 == HalfConversion.toFloat(0x3555) })
        let wide: [UInt16] = [0x7BFF, 0xFBFF, 0, 0]
        let overflowing = AffineQuantizer.quantize(
            wide,
            tokens: 4,
            channels: 1,
            tokenStride: 1,
            bits: 4,
            groupSize: 4,
            groupedAxis: .tokens
        )
        AffineQuantizer.dequantize(overflowing, into: &values, tokenStride: 1)
        #expect(values[..<4].allSatisfy { $0.isNaN })
    }

    @Test func emptySlabsPackToNothing() {
        for (tokens, channels) in [(0, 8), (8, 0), (0, 0)] {
            for axis in GroupedAxis.allCases {
                let packed = AffineQuantizer.quantize(
                    [0],
                    tokens: tokens,
                    channels: channels,
                    tokenStride: 8,
                    bits: 2,
                    groupSize: 32,
                    groupedAxis: axis
                )
                #expect(packed.byteCount == 0)
                var untouched: [Float] = [5]
                AffineQuantizer.dequantize(packed, into: &untouched, tokenStride: 8)
                #expect(untouched == [5])
            }
        }
    }

    @Test func resultsDoNotDependOnTheNumberOfThreads() {
        let slab = HalfConversion.toHalf(SampleKind.outlier.values(200 * 96, seed: 35)), threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        for axis in GroupedAxis.allCases {
            let results = [1, 2, 7].map { count in
                Parallel.threadCount = count
                return AffineQuantizer.quantize(
                    slab,
                    tokens: 200,
                    channels: 96,
                    tokenStride: 96,
                    bits: 3,
                    groupSize: 32,
                    groupedAxis: axis
                )
            }
            #expect(results[0] == results[1] && results[0] == results[2])
        }
    }
}
