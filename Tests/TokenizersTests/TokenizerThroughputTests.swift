import Foundation
import Testing
import Tokenizers

/// Bytes of text a second on one thread, printed. The bound holds on an idle core, so it is asked for by
/// `KVATLAS_BENCHMARKS=1` only.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil))
struct TokenizerThroughputTests {
    private static let textBytes = 10_000_000
    private static let megabytesPerSecond = 5.0

    /// Prose, and what makes a merge look far: one character, spaces, letters without a space, another script, digits.
    private static let texts: [(name: String, unit: String)] = [
        ("prose", ""), ("one letter", "a"), ("spaces", " "), ("letters without spaces", "pneumonoultramicroscopic"),
        ("Chinese", "今天天气很好我们去公园散步吧"), ("digits", "3141592653"), ("line ends", "\n"),
    ]

    private static func text(_ unit: String) throws -> [UInt8] {
        let fixture = TestModels.repository.appending(path: "Tests/Fixtures/inference/alice.txt")
        let part = unit.isEmpty ? try TestModels.bytes(fixture) : Array(unit.utf8)
        return (0..<textBytes / part.count).flatMap { _ in part }
    }

    @Test(
        arguments: [TestModels.smollm2, TestModels.qwen2, TestModels.gemma].filter { TestModels.exists($0) }
            + ["llama2.model", "llama2.json", "gemma.model"].map { TestModels.references.appending(path: $0).path }
    )
    func encodesFiveMegabytesASecond(_ path: String) throws {
        let file = URL(fileURLWithPath: path), tokenizer = try TestModels.load(file)
        for (name, unit) in Self.texts {
            let bytes = try Self.text(unit)
            var best = Duration.seconds(3600), tokens = 0
            for _ in 0..<2 {
                let time = ContinuousClock().measure { tokens = tokenizer.encode(bytes).count }
                best = min(best, time)
            }
            let seconds = Double(best.components.seconds) + 1e-18 * Double(best.components.attoseconds)
            let rate = Double(bytes.count) / seconds / 1e6
            print("\(file.lastPathComponent), \(name): \(rate.formatted()) MB/s, \(tokens) tokens")
            #expect(rate >= Self.megabytesPerSecond, "\(file.lastPathComponent), \(name)")
        }
    }
}
