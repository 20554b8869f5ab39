import Evaluation
import Foundation
import Inference
import TensorCore
import Testing

@Suite struct QualityStudyTests {
    private static let tokens = (0..<400).map { Int32($0 * 41 % 260) }

    private func study(
        _ caches: [String],
        prefill: PackedCacheFormat.Prefill = .exact,
        _ change: (inout QualityStudySettings) -> Void = { _ in }
    ) throws -> [Table] {
        let path = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RandomModel.write(path: path, seed: 5)
        var settings = QualityStudySettings(
            caches: try caches.map { try CacheSpecification(parsing: $0, prefill: prefill, accuracy: .exact) }
        )
        settings.window = 128
        change(&settings)
        return try QualityStudy.run(model: LanguageModel(path: path), tokens: Self.tokens, settings: settings)
    }

    @Test func fullPrecisionIsAtNoDistanceFromItself() throws {
        let table = try study(["full-f32", "full-f16", "kivi-2-g32-r32"])[0]
        let rows = table.rowViews
        #expect(rows.map { $0.string("cache") } == ["full-f32", "full-f16", "kivi-2-g32-r32"])
        #expect(rows[0].number("divergence_max") == 0 && rows[0].number("top1_agreement") == 1)
        #expect(rows[0].number("probability_change_rms") == 0)
        let half = try #require(rows[1].number("divergence_mean")),
            two = try #require(rows[2].number("divergence_mean"))
        #expect(half > 0 && half < 1e-5 && two > 100 * half)
        #expect(rows.allSatisfy { $0.integer("tokens") == 3 * 63 && $0.integer("windows") == 3 })
        let low = try #require(rows[2].number("top1_low")), high = try #require(rows[2].number("top1_high"))
        let agreement = try #require(rows[2].number("top1_agreement"))
        #expect(low < agreement && agreement < high)
    }

    @Test(arguments: [Perplexity.Scoring.secondHalf, .all], [1, 5, 32, 500])
    func aFullCacheScoresWhatOnePassDoes(_ scoring: Perplexity.Scoring, _ block: Int) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RandomModel.write(path: path, seed: 5)
        let model = try LanguageModel(path: path)
        var settings = QualityStudySettings(caches: [try CacheSpecification(parsing: "full-f32")])
        settings.window = 64
        settings.scoring = scoring
        settings.blockTokens = block
        settings.isCompared = false
        let rows = try QualityStudy.run(model: model, tokens: Self.tokens, settings: settings)[0].rowViews
        let whole = try Perplexity.evaluate(model: model, tokens: Self.tokens, window: 64, scoring: scoring)
        #expect(rows[0].integer("tokens") == whole.scoredTokens)
        #expect(abs((rows[0].number("loss") ?? 0) - whole.meanLoss) < 1e-5)
    }

    @Test func inPlaceIsHarsherThanBlocks() throws {
        let names = ["kivi-2-g32-r32", "simulated:rtn-int2-token-g32"]
        let exact = try study(names)[0].rowViews.map { $0.number("divergence_mean") ?? 0 }
        let inPlace = try study(names, prefill: .inPlace) { $0.mode = .inPlace }[0].rowViews
        for (row, exact) in zip(inPlace, exact) { #expect((row.number("divergence_mean") ?? 0) > exact) }
        #expect(inPlace[0].string("mode") == "in-place" && inPlace[0]["block"] == .missing)
    }

    @Test func packedAndSimulatedCachesOfOneSchemeAgree() throws {
        let names = ["kivi-2-g32-r32", "rtn-int4-token-g16"]
        let table = try study(names + names.map { "simulated:\($0)" })[0].rowViews
        for place in names.indices {
            let packed = try #require(table[place].number("divergence_mean"))
            let simulated = try #require(table[place + 2].number("divergence_mean"))
            // They differ by float16 windows only.
            #expect(abs(packed - simulated) <= 0.02 * simulated, "\(names[place]): \(packed) and \(simulated)")
        }
    }

    @Test func positionsAddUp() throws {
        let tables = try study(["kivi-2-g32-r32"]) { $0.scoring = .all }
        let parts = tables[1].rowViews
        #expect(parts.compactMap { $0.integer("tokens") }.reduce(0, +) == tables[0].rowViews[0].integer("tokens"))
        let weighted = parts.reduce(0.0) {
            $0 + ($1.number("divergence_mean") ?? 0) * Double($1.integer("tokens") ?? 0)
        }
        let mean = try #require(tables[0].rowViews[0].number("divergence_mean"))
        #expect(abs(weighted / Double(3 * 127) - mean) < 1e-12 + 1e-9 * mean)
        // What is exact, the window's first tokens, is nearest.
        #expect((parts[0].number("divergence_mean") ?? 1) < mean)
    }

    @Test func settingsThatMakeNoSenseAreRefused() throws {
        #expect(throws: ModelError.textTooShort(tokens: 400, window: 401)) {
            _ = try study(["full-f32"]) { $0.window = 401 }
        }
        for change: (inout QualityStudySettings) -> Void in [
            { $0.window = 1 }, { $0.stride = 0 }, { $0.blockTokens = 0 },
        ] {
            #expect(throws: ModelError.self) { _ = try study(["full-f32"], change) }
        }
    }
}
