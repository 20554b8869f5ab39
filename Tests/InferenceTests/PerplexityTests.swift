import Foundation
import Inference
import Testing

struct PerplexityTests {
    private let tokens = (0..<70).map { Int32($0 * 41 % 260) }

    /// Mean −ln p from the definition, over windows of 16.
    private func definition(_ path: String, firstScored: Int) throws -> Double {
        let plain = try PlainForward(path: path)
        var losses: [Double] = []
        for window in 0..<4 {
            let ids = Array(tokens[window * 16..<window * 16 + 16])
            let logits = try plain.run(ids).logits
            for token in firstScored..<16 {
                let row = logits[token - 1]
                losses.append(log(row.reduce(0) { $0 + exp($1) }) - row[Int(ids[token])])
            }
        }
        return losses.reduce(0, +) / Double(losses.count)
    }

    @Test(arguments: [(Perplexity.Scoring.secondHalf, 9), (.all, 1)])
    func lossEqualsTheDefinition(_ scoring: Perplexity.Scoring, _ firstScored: Int) throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            var shares: [Double] = []
            let result = try Perplexity.evaluate(
                model: model,
                tokens: tokens,
                window: 16,
                scoring: scoring,
                progress: { shares.append($0) }
            )
            #expect(result.windows == 4)
            #expect(result.scoredTokens == 4 * (16 - firstScored))
            let expected = try definition(path, firstScored: firstScored)
            #expect(abs(result.meanLoss - expected) < 1e-5)
            #expect(result.perplexity == exp(result.meanLoss))
            #expect(shares == [0.25, 0.5, 0.75, 1])
        }
    }

    @Test func windowsCanBeLimited() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let result = try Perplexity.evaluate(model: model, tokens: tokens, window: 16, maximumWindows: 2)
            #expect(result.windows == 2)
            #expect(result == (try Perplexity.evaluate(model: model, tokens: Array(tokens.prefix(33)), window: 16)))
        }
    }

    @Test func lessThanAWindowIsAnError() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            #expect(throws: ModelError.textTooShort(tokens: 15, window: 16)) {
                try Perplexity.evaluate(model: model, tokens: Array(tokens.prefix(15)), window: 16)
            }
            #expect(throws: ModelError.self) { try Perplexity.evaluate(model: model, tokens: tokens, window: 1) }
        }
    }

    @Test func aHalfPrecisionCacheChangesLittle() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let full = try Perplexity.evaluate(model: model, tokens: tokens, window: 16)
            let half = try Perplexity.evaluate(
                model: model,
                tokens: tokens,
                window: 16,
                makeCache: { model.makeCache(capacity: $0, precision: .float16) }
            )
            #expect(half != full)
            #expect(abs(half.meanLoss - full.meanLoss) < 1e-2)
        }
    }
}
