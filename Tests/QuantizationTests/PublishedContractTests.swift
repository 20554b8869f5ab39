import Foundation
import Kernels
import Quantization
import TensorCore
import Testing

/// What every published pipeline must hold, whatever it does.
@Suite struct PublishedContractTests {
    private func roundTrip(_ scheme: PipelineScheme, _ block: KVBlock) throws -> [Float] {
        try scheme.decode(scheme.encode(block)).elements
    }

    private func block(_ tokens: Int, seed: UInt64 = 5) -> KVBlock {
        TestBlocks.gaussian(heads: 2, tokens: tokens, channels: PublishedSamples.channels, seed: seed)
    }

    private func error(_ a: [Float], _ b: [Float]) -> Double {
        let squares = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return (squares / b.reduce(1e-30) { $0 + Double($1) * Double($1) }).squareRoot()
    }

    @Test(arguments: PublishedSamples.sides)
    func lengthsAreAllStoredAndComeBack(_ id: String, _ side: CacheSide) throws {
        for tokens in [1, 2, 31, 33, 130] {
            let scheme = try PublishedSamples.prepared(id, side, tokens: tokens), block = block(tokens)
            let packed = try scheme.encode(block), decoded = try scheme.decode(packed)
            #expect(decoded.layout == .block(heads: 2, tokens: tokens, channels: 64))
            #expect(decoded.elements.allSatisfy { $0.isFinite })
            #expect(packed.byteCount == packed.sections.reduce(0) { $0 + $1.bytes.count })
            #expect(packed.bitsPerElement == 8 * Double(packed.byteCount) / Double(block.elementCount))
            let copy = try JSONDecoder().decode(PackedTensor.self, from: JSONEncoder().encode(packed))
            #expect(try scheme.decode(copy) == decoded)
        }
    }

    /// Worse than storing nothing would be a fault in any of them.
    @Test(arguments: PublishedSamples.sides)
    func somethingIsKept(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 160), block = block(160)
        let relative = error(try roundTrip(scheme, block), block.decoded().elements)
        // One bit without a normalizer, or an unbiased estimate, may be as large as what it stands for.
        #expect(relative < (scheme.bits <= 1.5 ? 1.6 : 0.95), "\(relative)")
    }

    @Test(arguments: PublishedSamples.sides)
    func zerosComeBackAsNearlyZero(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 40)
        let zero = TestBlocks.constant(0, heads: 2, tokens: 40, channels: 64)
        // What was learnt of other numbers, or predicted from another layer, has no zero; all others do.
        let got = try roundTrip(scheme, zero)
        if scheme.calibration == .none {
            #expect(got.allSatisfy { $0 == 0 })
        } else {
            #expect(got.allSatisfy { abs($0) < 4 })
        }
    }

    @Test(arguments: PublishedSamples.sides)
    func aConstantComesBackWithinItsBits(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 40)
        let block = TestBlocks.constant(-0.75, heads: 2, tokens: 40, channels: 64)
        guard scheme.calibration == .none else { return }
        let got = try roundTrip(scheme, block)
        // Rotated, all of it is one channel; codes for normal numbers reach three deviations of eight.
        let allowed = id.contains("hadamard") || id.contains("qjl") || id.contains("polar") ? 0.8 : 0.13
        #expect(error(got, block.decoded().elements) <= allowed)
    }

    @Test(arguments: PublishedSamples.sides)
    func anOutlierLeavesAllFinite(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 70)
        let spoilt = TestBlocks.replacing(block(70), at: 64 * 11 + 7, with: 3000)
        #expect(try roundTrip(scheme, spoilt).allSatisfy { $0.isFinite })
    }

    /// A NaN or an infinity is not hidden, and reaches no further than the vectors that share numbers with it.
    @Test(arguments: PublishedSamples.sides, [Float.nan, .infinity, -.infinity])
    func whatIsNotFiniteStaysInItsTokenOrChannel(_ side: (id: String, side: CacheSide), _ value: Float) throws {
        let tokens = 140, token = 11, channel = 7
        let scheme = try PublishedSamples.prepared(side.id, side.side, tokens: tokens), clean = block(tokens)
        let got = try roundTrip(scheme, TestBlocks.replacing(clean, at: 64 * token + channel, with: value))
        // Coupled codes have none for it: it counts as zero.
        if !side.id.contains("coupled") { #expect(!got[64 * token + channel].isFinite) }
        for index in got.indices where !got[index].isFinite {
            let isSameToken = index / 64 % tokens == token, isSameChannel = index / 64 < tokens && index % 64 == channel
            // Of a pair of channels with one radius the other one too.
            let isPartner = side.id.contains("polar-") && index / 64 < tokens && index % 64 == channel + 32
            #expect(isSameToken || isSameChannel || isPartner, "token \(index / 64), channel \(index % 64)")
        }
    }

    @Test(arguments: PublishedSamples.sides)
    func aSecondPassMovesLittle(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 96), block = block(96)
        let once = try roundTrip(scheme, block)
        let again = try roundTrip(scheme, KVBlock(heads: 2, tokens: 96, channels: 64, values: once))
        let first = error(once, block.decoded().elements), second = error(again, once)
        // What is decoded lies near the scheme's own points; estimates without bias have none.
        let allowed = id.contains("sketch") || id.contains("qjl") ? 1.6 : id.contains("qnorm") ? 1.2 : 1.0
        #expect(second <= allowed * first + 2e-3, "\(second) after \(first)")
    }

    @Test(arguments: PublishedSamples.sides)
    func damagedBytesAreRefused(_ id: String, _ side: CacheSide) throws {
        let scheme = try PublishedSamples.prepared(id, side, tokens: 40)
        let packed = try scheme.encode(block(40))
        func changed(_ sections: [PackedTensor.Section], _ schemeID: String? = nil) -> PackedTensor {
            PackedTensor(schemeID: schemeID ?? packed.schemeID, heads: 2, tokens: 40, channels: 64, sections: sections)
        }
        #expect(throws: SchemeError.self) { try scheme.decode(changed(packed.sections, "other")) }
        for place in packed.sections.indices {
            var cut = packed.sections
            cut[place] = .init(name: cut[place].name, bytes: Array(cut[place].bytes.dropLast(5)))
            let isEmpty = packed.sections[place].bytes.isEmpty
            if !isEmpty { #expect(throws: SchemeError.self) { try scheme.decode(changed(cut)) } }
            cut.remove(at: place)
            let missing = changed(cut)
            #expect(throws: SchemeError.self) { try scheme.decode(missing) }
        }
        let extra = changed(packed.sections + [.init(name: "more", bytes: [1])])
        #expect(throws: SchemeError.self) { try scheme.decode(extra) }
    }

    @Test func whatMustBeCalibratedSaysSo() throws {
        for (id, _) in PublishedSamples.sides {
            let scheme = try SchemeCatalogue.scheme(id)
            guard scheme.calibration == .required else { continue }
            #expect(throws: SchemeError.notCalibrated(scheme: id)) {
                try scheme.prepared(for: SchemeContext(side: .key))
            }
        }
    }
}
