import Foundation
import Inference
import Testing

/// Against llama.cpp on the same weights in float32 (`Tests/Fixtures/inference/make_llama_cpp_golden.py`);
/// perplexity is in `EvaluationTests`.
struct LlamaCppGoldenTests {
    private struct Golden: Decodable {
        struct Top: Decodable {
            let ids: [Int32]
            let logits: [Double]
        }
        struct Continuation: Decodable {
            let prompt: String
            let tokens: [Int32]
            let greedy: [Int32]
            let gap_to_second: [Double]
            let first_step: Top
        }
        let continuations: [Continuation]
        /// Of the shipped chapter.
        let alice_ids: [Int32]
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        let model: String
        let fixture: String
        /// Of a logit. Two float32 engines were found 7e-5 apart; a wrong layer moves logits by whole units.
        var tolerance = 1e-3
        var testDescription: String { fixture }

        func golden() throws -> Golden {
            try JSONDecoder().decode(Golden.self, from: TestModels.fixture("\(fixture)-llama-cpp.json"))
        }

        func load() throws -> LanguageModel { try LanguageModel(path: TestModels.path(model)) }
    }

    private static let cases = [
        Case(model: TestModels.smolLM2, fixture: "smollm2-135m"),
        Case(model: TestModels.qwen, fixture: "qwen2.5-coder-0.5b"),
        Case(model: TestModels.largeQwen, fixture: "qwen2.5-coder-1.5b"),
        // GELU is a table of float16 in llama.cpp; transformers' logits are as near as others' (LikeliestLogitTests).
        Case(model: TestModels.gemma, fixture: "gemma-3-270m", tolerance: 0.02),
    ].filter { TestModels.exists($0.model) }

    @Test(arguments: cases)
    private func textHasTheSameTokens(_ item: Case) throws {
        #expect(try item.load().encode(Array(TestModels.fixture("alice.txt"))) == item.golden().alice_ids)
    }

    /// Equal, or parting where the two likeliest tokens were all but level.
    @Test(arguments: cases)
    private func greedyTextIsTheSame(_ item: Case) throws {
        let model = try item.load(), continuations = try item.golden().continuations
        #expect(continuations.count == 3)
        for golden in continuations {
            #expect(model.encode(Array(golden.prompt.utf8)) == golden.tokens)
            let cache = model.makeCache(capacity: golden.tokens.count + golden.greedy.count)
            let result = try Generator(model: model).generate(
                prompt: golden.tokens,
                maximumTokens: golden.greedy.count,
                cache: cache
            ).generation
            let parting = zip(result.tokens, golden.greedy).enumerated().first { $1.0 != $1.1 }?.offset
            let compared = parting ?? min(result.tokens.count, golden.greedy.count)
            if let parting { #expect(golden.gap_to_second[parting] < 0.05, "\(item.fixture) parts at \(parting)") }
            // A text that ended early ended with a token of theirs.
            let isWhole = result.tokens.count == golden.greedy.count || result.stopReason == .endOfText
            #expect(compared > 0 && (parting != nil || isWhole))
        }
    }

    @Test(arguments: cases)
    private func firstLogitsAgree(_ item: Case) throws {
        let model = try item.load()
        for golden in try item.golden().continuations {
            let cache = model.makeCache(capacity: golden.tokens.count)
            let logits = try #require(try model.forward(golden.tokens, cache: cache))
            for (id, expected) in zip(golden.first_step.ids, golden.first_step.logits) {
                #expect(abs(Double(logits.elements[Int(id)]) - expected) < item.tolerance)
            }
        }
    }
}
