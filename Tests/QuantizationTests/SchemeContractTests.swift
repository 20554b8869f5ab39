import Foundation
import Kernels
import Quantization
import TensorCore
import Testing

/// What every tensor scheme of the catalogue must hold, whatever it does.
@Suite struct SchemeContractTests {
    private func roundTrip(_ id: String, _ block: KVBlock) throws -> [Float] {
        let scheme = try SchemeCatalogue.scheme(id)
        return try scheme.decode(scheme.encode(block)).elements
    }

    @Test(arguments: tensorSchemeIDs)
    func constantBlockIsExact(id: String) throws {
        for value: Float in [1.0, -0.2998046875, 6e-8, 65504] {
            let block = TestBlocks.constant(value, tokens: 33, channels: 40)
            #expect(try roundTrip(id, block) == block.decoded().elements)
        }
    }

    @Test(arguments: tensorSchemeIDs)
    func zeroBlockIsZero(id: String) throws {
        let block = TestBlocks.constant(0, tokens: 17, channels: 33)
        #expect(try roundTrip(id, block).allSatisfy { $0 == 0 })
    }

    @Test(arguments: tensorSchemeIDs)
    func emptyBlockStaysEmpty(id: String) throws {
        let scheme = try SchemeCatalogue.scheme(id)
        for (heads, tokens, channels) in [(0, 4, 4), (2, 0, 4), (2, 4, 0)] {
            let packed = try scheme.encode(KVBlock(heads: heads, tokens: tokens, channels: channels, bits: []))
            #expect(packed.bitsPerElement == 0)
            let decoded = try scheme.decode(packed)
            #expect(decoded.layout == .block(heads: heads, tokens: tokens, channels: channels))
        }
    }

    @Test(arguments: tensorSchemeIDs)
    func errorStaysWithinHalfAStepAtEveryLength(id: String) throws {
        let scheme = try SchemeCatalogue.scheme(id)
        for length in 1...33 {
            let block = TestBlocks.gaussian(tokens: length, channels: length, seed: UInt64(length))
            let exact = block.decoded().elements
            let decoded = try scheme.decode(scheme.encode(block)).elements
            let bound = stepBound(scheme, block)
            for index in exact.indices { #expect(abs(decoded[index] - exact[index]) <= bound) }
        }
    }

    @Test(arguments: tensorSchemeIDs)
    func anOutlierHarmsOnlyItsGroup(id: String) throws {
        try checkOnlyGroupChanges(id, value: 1000) { $0.isFinite }
    }

    @Test(arguments: tensorSchemeIDs)
    func aNaNSpoilsOnlyItsGroup(id: String) throws {
        try checkOnlyGroupChanges(id, value: .nan) { $0.isNaN }
    }

    @Test(arguments: tensorSchemeIDs)
    func anInfinitySpoilsOnlyItsGroup(id: String) throws {
        try checkOnlyGroupChanges(id, value: -.infinity) { id == "identity" ? $0 == -.infinity : $0.isNaN }
    }

    /// Puts `value` among small ones: other groups are as before, and its own obeys `isExpected`.
    private func checkOnlyGroupChanges(_ id: String, value: Float, isExpected: (Float) -> Bool) throws {
        let clean = TestBlocks.gaussian(tokens: 70, channels: 40)
        let place = (70 + 41) * 40 + 7
        let scheme = try SchemeCatalogue.scheme(id)
        let before = try roundTrip(id, clean)
        let after = try roundTrip(id, TestBlocks.replacing(clean, at: place, with: value))
        let groups = GroupMembership(block: clean, sharing: scheme.scaleSharing, size: scheme.groupSize)
        for index in after.indices {
            if groups.isShared(index, place) {
                #expect(isExpected(after[index]))
            } else {
                #expect(after[index] == before[index])
            }
        }
    }

    /// A decoded block is near its own grid: storing it again moves nothing by a step of 7 bits.
    @Test(arguments: tensorSchemeIDs)
    func secondPassMovesNothing(id: String) throws {
        for length in [1, 2, 31, 32, 33, 65] {
            let block = TestBlocks.gaussian(tokens: length, channels: 33, seed: UInt64(length))
            let once = try roundTrip(id, block)
            let again = try roundTrip(id, KVBlock(heads: 2, tokens: length, channels: 33, values: once))
            // 1/128 of the range for the float16 minimum and scale, and float16's rounding of the values.
            let largest = once.map { abs($0) }.max() ?? 0
            let bound = 2 * largest / 128 + 4 * largest * 0x1p-11
            for index in once.indices { #expect(abs(again[index] - once[index]) <= bound) }
        }
    }

    @Test(arguments: tensorSchemeIDs)
    func bitsAreCountedFromBytes(id: String) throws {
        let scheme = try SchemeCatalogue.scheme(id)
        for (tokens, channels) in [(1, 1), (33, 40), (128, 64)] {
            let packed = try scheme.encode(TestBlocks.gaussian(tokens: tokens, channels: channels))
            let bytes = packed.sections.map { $0.bytes.count }.reduce(0, +)
            #expect(packed.byteCount == bytes)
            #expect(packed.bitsPerElement == 8 * Double(bytes) / Double(2 * tokens * channels))
        }
    }

    @Test(arguments: tensorSchemeIDs)
    func storedBytesSurviveCoding(id: String) throws {
        let scheme = try SchemeCatalogue.scheme(id)
        let packed = try scheme.encode(TestBlocks.gaussian(tokens: 5, channels: 6))
        let copy = try JSONDecoder().decode(PackedTensor.self, from: JSONEncoder().encode(packed))
        #expect(copy == packed)
        #expect(try scheme.decode(copy) == scheme.decode(packed))
    }

    @Test(arguments: tensorSchemeIDs)
    func bytesOfAnotherSchemeAreRefused(id: String) throws {
        let scheme = try SchemeCatalogue.scheme(id)
        let packed = try scheme.encode(TestBlocks.gaussian(tokens: 4, channels: 8))
        let foreign = PackedTensor(
            schemeID: "other",
            heads: packed.heads,
            tokens: packed.tokens,
            channels: packed.channels,
            sections: packed.sections
        )
        #expect(throws: SchemeError.packedTensor(scheme: id, problem: "the bytes were written by 'other'")) {
            try scheme.decode(foreign)
        }
        for section in packed.sections.indices {
            var cut = packed.sections
            cut[section] = .init(name: cut[section].name, bytes: Array(cut[section].bytes.dropLast()))
            let short = PackedTensor(
                schemeID: id,
                heads: packed.heads,
                tokens: packed.tokens,
                channels: packed.channels,
                sections: cut
            )
            #expect(throws: SchemeError.self) { try scheme.decode(short) }
            cut.remove(at: section)
            let missing = PackedTensor(
                schemeID: id,
                heads: packed.heads,
                tokens: packed.tokens,
                channels: packed.channels,
                sections: cut
            )
            #expect(throws: SchemeError.self) { try scheme.decode(missing) }
        }
    }

    /// Half a step of the widest possible group, and what float16 rounds: minimum, difference, scale, quotient.
    private func stepBound(_ scheme: any TensorScheme, _ block: KVBlock) -> Float {
        guard scheme.scaleSharing != nil else { return 0 }
        let values = block.decoded().elements
        let range = (values.max() ?? 0) - (values.min() ?? 0)
        let levels = Float((1 << Int(scheme.bits)) - 1)
        return range / levels / 2 + range * 0x1p-9
    }
}
