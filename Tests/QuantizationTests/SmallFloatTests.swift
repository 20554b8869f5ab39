import Foundation
import Kernels
import Quantization
import Testing

/// FP8, FP6 and FP4 against ml_dtypes on every half-precision number (`make-small-floats.py`).
@Suite struct SmallFloatTests {
    static let formats: [(name: String, format: SmallFloat)] = [
        ("e4m3", .e4m3), ("e5m2", .e5m2), ("e3m2", .e3m2), ("e2m3", .e2m3), ("e2m1", .e2m1),
    ]

    private func hashes(_ name: String) throws -> [UInt64] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/quantization/small-floats.txt")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix(name + " ") })
        return try line.split(separator: " ").dropFirst().map { try #require(UInt64($0, radix: 16)) }
    }

    @Test(arguments: formats.map { $0.name })
    func everyHalfIsRoundedAsMlDtypesDoes(_ name: String) throws {
        let format = try #require(Self.formats.first { $0.name == name }).format, expected = try hashes(name)
        #expect(expected.count == 256)
        for block in 0..<256 {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for bits in block * 256..<(block + 1) * 256 {
                let x = HalfConversion.toFloat(UInt16(bits))
                let code = x.isFinite ? UInt64(format.encode(x)) : 255
                hash = (hash ^ code) &* 0x100_0000_01B3
            }
            #expect(hash == expected[block], "halves from \(block * 256) on")
        }
    }

    @Test(arguments: formats.map { $0.name })
    func everyCodeComesBack(_ name: String) throws {
        let format = try #require(Self.formats.first { $0.name == name }).format
        for code in 0..<UInt32(1 << format.bits) {
            let x = format.decode(code)
            if x.isNaN { continue }
            #expect(format.encode(x) == code, "\(code) is \(x)")
            #expect(abs(x) <= format.largest)
        }
        #expect(format.decode(format.encode(1e30)) == format.largest)
        #expect(format.decode(format.encode(-.infinity)) == -format.largest)
    }
}
