import Foundation
import Kernels
import Quantization
import TensorCore
import Testing

@Suite struct RoundToNearestTests {
    /// kivi.md's golden vector: x_i = (((13·i) mod 32) − 11)/8.
    private let golden = (0..<32).map { Float((13 * $0) % 32 - 11) / 8 }

    @Test(arguments: [
        (2, Float(1.2919921875), [0x2749_d274, 0x99e2_789e] as [UInt32]),
        (4, Float(0.25830078125), [0xd70a_3d60, 0x1b4e_71a4, 0x5f82_b5e8, 0x93c6_f92c] as [UInt32]),
    ])
    func goldenVectorHasTheReferencesWords(bits: Int, scale: Float, words: [UInt32]) throws {
        for (axis, tokens, channels) in [("token", 1, 32), ("channel", 32, 1)] {
            let scheme = try SchemeCatalogue.scheme("rtn-int\(bits)-\(axis)-g32")
            let packed = try scheme.encode(KVBlock(heads: 1, tokens: tokens, channels: channels, values: golden))
            let expected = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
            #expect(try packed.bytes(of: "codes", byteCount: expected.count) == expected)
            let scaleBits = HalfConversion.toHalf([scale])[0]
            #expect(try packed.bytes(of: "scales", byteCount: 2) == [UInt8(scaleBits & 255), UInt8(scaleBits >> 8)])
            let minimumBits = HalfConversion.toHalf([Float(-1.375)])[0]
            #expect(
                try packed.bytes(of: "minima", byteCount: 2) == [UInt8(minimumBits & 255), UInt8(minimumBits >> 8)]
            )
        }
    }

    @Test func decodedValuesAreScaleTimesCodePlusMinimum() throws {
        let scheme = try SchemeCatalogue.scheme("rtn-int2-token-g32")
        let decoded = try scheme.decode(scheme.encode(KVBlock(heads: 1, tokens: 1, channels: 32, values: golden)))
        let codes: [Float] = [
            0, 1, 3, 1, 2, 0, 1, 3, 1, 2, 0, 1, 3, 1, 2, 0, 2, 3, 1, 2, 0, 2, 3, 1, 2, 0, 2, 3, 1, 2, 1, 2,
        ]
        #expect(decoded.elements == codes.map { 1.2919921875 * $0 - 1.375 })
    }

    /// Each group of each axis by itself, so that a swap of axes or heads cannot pass.
    @Test(arguments: [2, 3, 4, 8], [ScaleSharing.perToken, .perChannel])
    func groupsAreThoseOfTheAxis(bits: Int, axis: ScaleSharing) throws {
        let (tokens, channels, size) = (40, 24, 16)
        let block = TestBlocks.gaussian(tokens: tokens, channels: channels)
        let scheme = try RoundToNearestScheme(
            parameters: .init(bits: bits, axis: axis, groupSize: .elements(size))
        )
        let whole = try RoundToNearestScheme(parameters: .init(bits: bits, axis: axis, groupSize: .whole))
        let decoded = try scheme.decode(scheme.encode(block)).elements
        let reduced = axis == .perChannel ? tokens : channels
        for start in stride(from: 0, to: reduced, by: size) {
            let range = start..<min(start + size, reduced)
            // One group per row, cut out: its whole row is that group.
            let places = (0..<2 * tokens * channels).filter { index in
                range.contains(axis == .perChannel ? index / channels % tokens : index % channels)
            }
            let part = KVBlock(
                heads: 2,
                tokens: axis == .perChannel ? range.count : tokens,
                channels: axis == .perChannel ? channels : range.count,
                bits: places.map { block.bits[$0] }
            )
            let alone = try whole.decode(whole.encode(part)).elements
            #expect(places.map { decoded[$0] } == alone)
        }
    }

    @Test func aPartialGroupIsShorterAndNotPadded() throws {
        let scheme = try SchemeCatalogue.scheme("rtn-int2-channel-g32")
        // 33 positive tokens: a zero-padded last group would reach down to zero; a shorter one is exact.
        let block = TestBlocks.constant(3, heads: 1, tokens: 33, channels: 4)
        let packed = try scheme.encode(block)
        #expect(try scheme.decode(packed).elements.allSatisfy { $0 == 3 })
        // 33 codes of 2 bits in 9 bytes a channel; two groups a channel of 4 bytes of metadata.
        #expect(packed.byteCount == 4 * (9 + 2 * 4))
    }

    @Test func bitsAreCodesAndMetadata() throws {
        for (bits, size, expected) in [
            (2, 32, 3.0), (2, 64, 2.5), (2, 128, 2.25), (4, 32, 5.0), (3, 64, 3.5), (8, 128, 8.25),
        ] {
            for axis in ["token", "channel"] {
                let scheme = try SchemeCatalogue.scheme("rtn-int\(bits)-\(axis)-g\(size)")
                let packed = try scheme.encode(TestBlocks.gaussian(heads: 1, tokens: 128, channels: 128))
                #expect(packed.bitsPerElement == expected)
            }
        }
    }

    @Test func parametersSurviveCoding() throws {
        for id in tensorSchemeIDs {
            guard let scheme = try SchemeCatalogue.scheme(id) as? RoundToNearestScheme else { continue }
            let text = try JSONEncoder().encode(scheme.parameters)
            let copy = try RoundToNearestScheme(
                parameters: JSONDecoder().decode(RoundToNearestScheme.Parameters.self, from: text)
            )
            #expect(copy.id == id)
        }
    }

    @Test func otherGroupSizesAndWidthsAreRead() throws {
        #expect(try SchemeCatalogue.scheme("rtn-int1-channel-g48").bits == 1)
        #expect(try SchemeCatalogue.scheme("rtn-int8-token-g7").groupSize == .elements(7))
    }

    @Test(arguments: ["rtn-int5-token-g32", "rtn-int0-token-g32", "rtn-int9-channel-whole"])
    func widthsThatNobodyPacksAreRefused(id: String) {
        #expect {
            try SchemeCatalogue.scheme(id)
        } throws: { error in
            "\(error)".contains("1, 2, 3, 4, 8")
        }
    }

    @Test func aGroupOfNothingIsRefused() {
        #expect(throws: SchemeError.self) { try SchemeCatalogue.scheme("rtn-int2-token-g0") }
    }

    @Test(arguments: ["rtn-int02-token-g32", "rtn-int2-token-g+32", "rtn-int2-token-g032", "rtn-int2-token-", "rtn"])
    func aSchemeHasOneSpelling(id: String) {
        #expect(throws: SchemeError.self) { try SchemeCatalogue.scheme(id) }
    }
}
