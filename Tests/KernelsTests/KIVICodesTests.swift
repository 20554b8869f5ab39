import Foundation
import Kernels
import Testing

/// Codes, scales and minima against those of KIVI's own functions (`make-kivi-codes.py`).
@Suite struct KIVICodesTests {
    private static let tokens = 64, channels = 64, groupSize = 32

    /// The elements as the fixture's script makes them.
    private static let elements: [UInt16] = {
        var state: UInt32 = 7
        return (0..<tokens * channels).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            let value = Float(Int(state >> 16) - 32768) / 8192
            return HalfConversion.toHalf(index % channels == 5 ? 12 * value : value)
        }
    }()

    private static func words(_ text: Substring, digits: Int) throws -> [UInt32] {
        let characters = Array(text.utf8)
        return try stride(from: 0, to: characters.count, by: digits).map {
            try #require(UInt32(String(decoding: characters[$0..<$0 + digits], as: UTF8.self), radix: 16))
        }
    }

    @Test(arguments: [2, 4, 8], ["key", "value"])
    func codesAreThoseOfTheReference(_ bits: Int, _ side: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/quantization/kivi-codes.txt")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("\(side) \(bits) ") })
        let fields = line.split(separator: " ")
        let codes = AffineQuantizer.quantize(
            Self.elements,
            tokens: Self.tokens,
            channels: Self.channels,
            tokenStride: Self.channels,
            bits: bits,
            groupSize: Self.groupSize,
            groupedAxis: side == "key" ? .tokens : .channels
        )
        let expected = try Self.words(fields[2], digits: 8).flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        #expect(codes.codes == expected)
        #expect(codes.scales.map { UInt32($0) } == (try Self.words(fields[3], digits: 4)))
        #expect(codes.minima.map { UInt32($0) } == (try Self.words(fields[4], digits: 4)))
    }
}
