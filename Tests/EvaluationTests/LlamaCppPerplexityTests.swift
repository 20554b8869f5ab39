import Evaluation
import Foundation
import Inference
import Testing

/// What `kvatlas perplexity` prints against llama.cpp's numbers for the same weights in float32
/// (`Tests/Fixtures/inference/make_llama_cpp_golden.py`).
struct LlamaCppPerplexityTests {
    private struct Golden: Decodable {
        struct Text: Decodable {
            let tokens: Int
            let windows: Int
            let scored: Int
            let perplexity: Double
        }
        let alice: Text
        let wikitext: Text?
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let fixtures = root.appending(path: "Tests/Fixtures/inference")
    private static let environment = ProcessInfo.processInfo.environment
    private static let models =
        environment["KVATLAS_MODELS"].map { URL(filePath: $0) } ?? root.appending(path: "data/models")
    private static let wikitext =
        environment["KVATLAS_WIKITEXT"].map { URL(filePath: $0) }
        ?? root.appending(path: "data/texts/wikitext2_raw_test.txt")

    private struct Case: Sendable, CustomTestStringConvertible {
        let model: URL
        let fixture: String
        var testDescription: String { fixture }

        func check(_ text: URL, _ part: (Golden) -> Golden.Text?) throws {
            let file = LlamaCppPerplexityTests.fixtures.appending(path: "\(fixture)-llama-cpp.json")
            guard let golden = part(try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))) else { return }
            let model = try LanguageModel(path: model.path)
            let tokens = model.encode(Array(try Data(contentsOf: text)))
            #expect(tokens.count == golden.tokens)
            // The command's defaults.
            var settings = QualityStudySettings(caches: [try CacheSpecification(parsing: "full-f32")])
            settings.maximumWindows = golden.windows
            settings.isCompared = false
            let row = try QualityStudy.run(model: model, tokens: tokens, settings: settings)[0].rowViews[0]
            let perplexity = try #require(row.number("perplexity"))
            print("perplexity \(perplexity), llama.cpp \(golden.perplexity)")
            #expect(row.integer("tokens") == golden.scored)
            #expect(abs(perplexity / golden.perplexity - 1) < 0.0005)
        }
    }

    /// Models without a begin token: with one, `kvatlas perplexity` begins each window with it, and the fixtures do not.
    private static let cases = [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m"), ("qwen2.5-coder-0.5b.gguf", "qwen2.5-coder-0.5b"),
        ("qwen2.5-coder-1.5b.gguf", "qwen2.5-coder-1.5b"),
    ].map { Case(model: models.appending(path: $0.0), fixture: $0.1) }
        .filter { FileManager.default.fileExists(atPath: $0.model.path) }

    @Test(arguments: cases)
    private func perplexityOfAliceAgrees(_ item: Case) throws {
        try item.check(Self.fixtures.appending(path: "alice.txt")) { $0.alice }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: wikitext.path)), arguments: cases)
    private func perplexityOfWikitextAgrees(_ item: Case) throws { try item.check(Self.wikitext) { $0.wikitext } }
}
