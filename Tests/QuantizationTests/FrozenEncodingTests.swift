import Foundation
import Kernels
import Quantization
import TensorCore
import Testing

/// What was encoded once must decode to the same numbers for ever: ids are permanent.
///
/// `KVATLAS_WRITE_FIXTURES=1 swift test --filter FrozenEncoding` adds lines for new schemes to the fixture and changes
/// none that are there.
@Suite struct FrozenEncodingTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/quantization/frozen-encodings.txt")

    /// Sides that need nothing but the block; what learns is as its calibration is.
    private static let sides = PublishedSamples.sides.filter { side in
        (try? SchemeCatalogue.scheme(side.id).calibration) == CalibrationNeed.none
    }
    private static let plain = ["rtn-int2-token-g32", "rtn-int3-channel-g32", "rtn-int1-token-whole", "identity"]

    private static let block = TestBlocks.gaussian(heads: 1, tokens: 3, channels: 64, seed: 77)

    private static func scheme(_ id: String) throws -> any TensorScheme {
        let saliency = FloatBlock(heads: 1, tokens: 3, channels: 1, elements: [3, 1, 2])
        return try SchemeCatalogue.scheme(id).prepared(for: SchemeContext(side: .key, saliency: saliency))
    }

    private static func lines() throws -> [String: Data] {
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [:] }
        return try Dictionary(
            uniqueKeysWithValues: text.split(separator: "\n").map { line in
                let parts = line.split(separator: " ")
                return (String(parts[0]), try #require(Data(base64Encoded: String(parts[1]))))
            }
        )
    }

    private static func data(_ packed: PackedTensor) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(packed)
    }

    private static var ids: [String] { plain + sides.map { $0.id } }

    @Test func everySchemeIsFrozen() throws {
        var lines = try Self.lines()
        if ProcessInfo.processInfo.environment["KVATLAS_WRITE_FIXTURES"] != nil {
            for id in Self.ids where lines[id] == nil {
                lines[id] = try Self.data(Self.scheme(id).encode(Self.block))
            }
            let text = lines.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.base64EncodedString())\n" }
            try text.joined().write(to: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(Set(Self.ids).subtracting(lines.keys).isEmpty)
    }

    @Test(arguments: ids) func itsBytesStillDecode(_ id: String) throws {
        guard let data = try Self.lines()[id] else { return }
        let packed = try JSONDecoder().decode(PackedTensor.self, from: data), scheme = try Self.scheme(id)
        let decoded = try scheme.decode(packed).elements, exact = Self.block.decoded().elements
        // As good as what is encoded now: other bytes are no fault, other numbers are.
        let fresh = try scheme.decode(scheme.encode(Self.block)).elements
        let difference = zip(decoded, fresh).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        let size = exact.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect((difference / size).squareRoot() <= 1e-3, "\((difference / size).squareRoot())")
    }
}
