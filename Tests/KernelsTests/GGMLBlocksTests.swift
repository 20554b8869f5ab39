import Foundation
import Kernels
import Testing

/// Cache types of llama.cpp against blocks that ggml itself made (`make-ggml-blocks.sh`).
@Suite struct GGMLBlocksTests {
    /// The elements as the fixture's script makes them.
    static let elements: [Float] = {
        var state: UInt32 = 1, x: [Float] = []
        for block in 0..<24 {
            for _ in 0..<32 {
                state = state &* 1_664_525 &+ 1_013_904_223
                let random = Float(Int(state >> 16) - 32768) / 4096
                let scaled = random * Float(sign: .plus, exponent: -(block % 7), significand: 1)
                x.append(block == 0 ? 0 : block == 1 ? 1.5 : block == 2 ? -0.703125 : scaled)
            }
        }
        (x[32 * 3 + 17], x[32 * 4 + 5]) = (300, -300)
        return x
    }()

    static func fixture(_ name: String) throws -> [UInt8] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/quantization/ggml-blocks.txt")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix(name + " ") })
        let digits = Array(line.dropFirst(name.count + 1).utf8)
        return try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16))
        }
    }

    @Test(arguments: GGMLBlocks.BlockType.allCases)
    func bytesAreThoseOfGGML(_ type: GGMLBlocks.BlockType) throws {
        let expected = try Self.fixture(type.rawValue), got = GGMLBlocks.encode(Self.elements, type)
        #expect(expected.count == 24 * type.blockBytes)
        for block in 0..<24 {
            let range = block * type.blockBytes..<(block + 1) * type.blockBytes
            #expect(Array(got[range]) == Array(expected[range]), "block \(block)")
        }
    }

    @Test(arguments: GGMLBlocks.BlockType.allCases)
    func aBlockThatIsNotFiniteSpoilsNoOther(_ type: GGMLBlocks.BlockType) {
        let healthy = GGMLBlocks.decode(GGMLBlocks.encode(Self.elements, type), type)
        for value in [Float.nan, .infinity, -.infinity] {
            var x = Self.elements
            x[32 * 6 + 9] = value
            let got = GGMLBlocks.decode(GGMLBlocks.encode(x, type), type)
            for index in got.indices {
                if index / 32 == 6 { #expect(got[index].isNaN) } else { #expect(got[index] == healthy[index]) }
            }
        }
    }

    @Test(arguments: GGMLBlocks.BlockType.allCases)
    func errorsStayWithinAStep(_ type: GGMLBlocks.BlockType) {
        let x = SampleKind.gaussian.values(32 * 200, seed: 3)
        let got = GGMLBlocks.decode(GGMLBlocks.encode(x, type), type)
        for block in 0..<200 {
            let range = block * 32..<(block + 1) * 32, most = x[range].map(abs).max() ?? 0
            let step: Float =
                switch type {
                case .q8_0: most / 127
                case .q5_1: 2 * most / 31
                case .q5_0: most / 16
                case .q4_1: 2 * most / 15
                // The gap of the table's outermost levels, at a scale that least squares may have shrunk.
                case .q4_0: most / 8
                case .iq4_nl: most * 24 / 113
                }
            // The far end of the symmetric types is a whole step away; float16 rounds the scale.
            for index in range { #expect(abs(got[index] - x[index]) <= step * 1.01 + most * 0x1p-10) }
        }
    }
}
