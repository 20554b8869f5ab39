import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct PackedStoreTests {
    static func store(
        _ format: PackedFormat,
        _ x: [UInt16],
        heads: Int,
        tokens: Int,
        steps: [Int]? = nil
    ) throws -> PackedStore {
        let store = PackedStore(format, kvHeads: heads)
        var first = 0
        try x.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for step in steps ?? [tokens] {
                // [head, token, channel]
                try store.append(
                    .float16(base + first * format.channels),
                    tokens: step,
                    headStride: tokens * format.channels,
                    tokenStride: format.channels
                )
                first += step
            }
        }
        return store
    }

    static func floats(_ store: PackedStore, head: Int) -> [Float] {
        var result = [Float](repeating: .nan, count: store.tokens * store.format.channels)
        store.dequantize(head: head, tokens: 0..<store.tokens, into: &result)
        return result
    }

    static func halves(_ count: Int, seed: UInt64) -> [UInt16] {
        HalfConversion.toHalf(SampleKind.gaussian.values(count, seed: seed))
    }

    @Test(arguments: PackedFormat.bitWidths, [PackedFormat.Side.keys, .values])
    func storesWhatTheAnalysisQuantizerGives(_ bits: Int, _ side: PackedFormat.Side) throws {
        for (channels, group, tokens) in [(64, 32, 96), (128, 32, 1056), (80, 64, 64), (20, 7, 70), (33, 128, 128)] {
            let format = PackedFormat(side, bits: bits, groupSize: group, channels: channels)
            let x = Self.halves(2 * tokens * channels, seed: UInt64(bits * tokens))
            let store = try Self.store(format, x, heads: 2, tokens: tokens)
            for head in 0..<2 {
                let slab = Array(x[head * tokens * channels..<(head + 1) * tokens * channels])
                let expected = AffineQuantizer.quantize(
                    slab,
                    tokens: tokens,
                    channels: channels,
                    tokenStride: channels,
                    bits: bits,
                    groupSize: group,
                    groupedAxis: side == .keys ? .tokens : .channels
                )
                #expect(store.affineCodes(head: head) == expected, "\(channels) channels, groups of \(group)")
                var values = [Float](repeating: 0, count: slab.count)
                AffineQuantizer.dequantize(expected, into: &values, tokenStride: channels)
                #expect(identical(Self.floats(store, head: head), values))
            }
        }
    }

    @Test func goldenVectorComesBackInTheReferencesWords() throws {
        let golden = AffineQuantizerTests.golden
        for sample in AffineQuantizerTests.goldens {
            let words = sample.words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
            let keys = PackedFormat(.keys, bits: sample.bits, groupSize: 32, channels: 16)
            let byChannel = (0..<32 * 16).map { golden[$0 / 16] }
            let keyCodes = try Self.store(keys, byChannel, heads: 1, tokens: 32).affineCodes(head: 0)
            #expect(keyCodes.codes == Array((0..<16).map { _ in words }.joined()))
            let values = PackedFormat(.values, bits: sample.bits, groupSize: 32, channels: 32)
            let byToken = (0..<32 * 40).map { golden[$0 % 32] }
            let valueCodes = try Self.store(values, byToken, heads: 1, tokens: 40).affineCodes(head: 0)
            #expect(valueCodes.codes == Array((0..<40).map { _ in words }.joined()))
        }
    }

    @Test(arguments: [2, 3, 4, 8], [PackedFormat.Side.keys, .values])
    func codesOfTheReferenceCanBeReadIn(_ bits: Int, _ side: PackedFormat.Side) throws {
        let channels = 64, tokens = 1216, format = PackedFormat(side, bits: bits, groupSize: 32, channels: channels)
        let store = try Self.store(format, Self.halves(tokens * channels, seed: 4), heads: 1, tokens: tokens)
        let copy = PackedStore(format, kvHeads: 1)
        try copy.append([store.affineCodes(head: 0)])
        #expect(copy.tokens == tokens && identical(Self.floats(copy, head: 0), Self.floats(store, head: 0)))
    }

    @Test(arguments: [2, 3], [PackedFormat.Side.keys, .values])
    func appendingInStepsGivesTheSameBytes(_ bits: Int, _ side: PackedFormat.Side) throws {
        let channels = 64, format = PackedFormat(side, bits: bits, groupSize: 32, channels: channels)
        let steps = side == .keys ? [32, 64, 1024, 32] : [1, 1, 30, 33, 1, 1000, 86]
        let tokens = steps.reduce(0, +), x = Self.halves(3 * tokens * channels, seed: 8)
        let whole = try Self.store(format, x, heads: 3, tokens: tokens)
        let stepwise = try Self.store(format, x, heads: 3, tokens: tokens, steps: steps)
        for head in 0..<3 { #expect(whole.affineCodes(head: head) == stepwise.affineCodes(head: head)) }
    }

    @Test func sizesAreThoseOfTheSpecification() throws {
        // kivi.md §1.5: bits + 32/G.
        for (bits, group, expected) in [(2, 32, 3.0), (2, 64, 2.5), (2, 128, 2.25), (4, 32, 5.0), (4, 128, 4.25)] {
            for side in [PackedFormat.Side.keys, .values] {
                let format = PackedFormat(side, bits: bits, groupSize: group, channels: 128)
                #expect(format.bitsPerElement == expected)
                let store = try Self.store(format, Self.halves(256 * 128, seed: 1), heads: 1, tokens: 256)
                #expect(Double(8 * (store.codeBytes + store.metadataBytes)) == expected * 256 * 128)
                #expect(store.allocatedBytes >= store.codeBytes + store.metadataBytes)
            }
        }
        #expect(PackedFormat(.keys, bits: 4, groupSize: 32, channels: 64, isSymmetric: true).bitsPerElement == 4.5)
        #expect(PackedFormat(.keys, bits: 4, groupSize: 32, channels: 64, metadata: .float32).bitsPerElement == 6)
    }

    /// Elements of [64 tokens, channel] that share a scale with one, in groups of 32.
    static func group(of index: Int, _ side: PackedFormat.Side, channels: Int) -> [Int] {
        let (token, channel) = index.quotientAndRemainder(dividingBy: channels)
        return (0..<32).map {
            switch side {
            case .keys: (token / 32 * 32 + $0) * channels + channel
            case .values: token * channels + channel / 32 * 32 + $0
            }
        }
    }

    @Test(arguments: [PackedFormat.Side.keys, .values], [PackedFormat.Metadata.float16, .float32])
    func symmetricCodesAndOtherElementsStayWithinHalfAStep(
        _ side: PackedFormat.Side,
        _ metadata: PackedFormat.Metadata
    ) throws {
        let channels = 64, tokens = 64
        let floats = SampleKind.gaussian.values(tokens * channels, seed: 21)
        let bfloats = floats.map { UInt16($0.bitPattern >> 16) }
        for bits in [2, 3, 4, 8] {
            for isSymmetric in [false, true] {
                let format = PackedFormat(
                    side,
                    bits: bits,
                    groupSize: 32,
                    channels: channels,
                    isSymmetric: isSymmetric,
                    metadata: metadata
                )
                for source in ["float32", "bfloat16"] {
                    let store = PackedStore(format, kvHeads: 1)
                    let truth = source == "float32" ? floats : bfloats.map { Float(bitPattern: UInt32($0) << 16) }
                    try floats.withUnsafeBufferPointer { floats in
                        try bfloats.withUnsafeBufferPointer { bfloats in
                            guard let f = floats.baseAddress, let b = bfloats.baseAddress else { return }
                            try store.append(
                                source == "float32" ? .float32(f) : .bfloat16(b),
                                tokens: tokens,
                                headStride: 0,
                                tokenStride: channels
                            )
                        }
                    }
                    let got = Self.floats(store, head: 0)
                    for (index, expected) in truth.enumerated() {
                        let group = Self.group(of: index, side, channels: channels).map { truth[$0] }
                        let range =
                            isSymmetric ? 2 * (group.map(abs).max() ?? 0) : (group.max() ?? 0) - (group.min() ?? 0)
                        // Symmetric codes reach one step less on the positive side.
                        let step = range / Float((1 << bits) - (isSymmetric ? 2 : 1))
                        // Half a step, and what rounding to float16 takes from scale, minimum and source: 2⁻¹¹ of each.
                        let largest = group.map(abs).max() ?? 0
                        let allowed = 0.5 * step + (range + 2 * largest) * 0x1p-11
                        #expect(abs(got[index] - expected) <= allowed, "\(bits) bits from \(source): \(got[index])")
                    }
                }
            }
        }
    }
}
