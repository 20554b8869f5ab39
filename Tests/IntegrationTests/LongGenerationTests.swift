import Foundation
import Testing

/// A text that no end token ends.
@Suite struct LongGenerationTests {
    @Test(arguments: ["full-f16", "kivi-2-g32-r32"]) func theLimitEndsIt(_ cache: String) throws {
        let isSlow = ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil
        let count = isSlow ? 10_000 : 400
        let folder = try TemporaryFolder()
        try folder.addModelAndText(contextLength: 20_000)
        try folder.silenceEndToken()
        let outcome = try BuiltCommand.run(
            "generate",
            "--model",
            "model.gguf",
            "--prompt",
            "the tide",
            "--cache",
            cache,
            "--max-tokens",
            "\(count)",
            "--json",
            "r.json",
            in: folder.url
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        let report = try GenerateReport(folder["r.json"])
        #expect(report.tokens(0).count == count && report.stopReason(0) == "token_limit")
        #expect(outcome.output == "\(report.sequences[0]["text"] as? String ?? "")\n")
    }
}
