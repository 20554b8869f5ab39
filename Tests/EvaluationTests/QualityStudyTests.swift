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
        var settings = QualityStudySettings(
            caches: try caches.map { try CacheSpecification(parsing: $0, prefill: prefill, accuracy: .exact) }
        )
        settings.window = 128
        change(&settings)
        return try Self.withModel { try QualityStudy.run(model: $0, tokens: Self.tokens, settings: settings) }
    }

    private static func withModel<Result>(
        spoilt isSpoilt: Bool = false,
        _ body: (LanguageModel) throws -> Result
    ) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf")
        defer { try? FileManager.default.removeItem(at: url) }
        try RandomModel.write(path: url.path, seed: 5)
        if isSpoilt {
            var bytes = try Data(contentsOf: url)
            bytes.replaceSubrange(bytes.count - 64..<bytes.count, with: [UInt8](repeating: 0xFF, count: 64))
            try bytes.write(to: url)
        }
        return try body(LanguageModel(path: url.path))
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
        #expect(rows.map { $0.number("bits_asymptotic") } == [32, 16, 3])
        let low = try #require(rows[2].number("top1_low")), high = try #require(rows[2].number("top1_high"))
        let agreement = try #require(rows[2].number("top1_agreement"))
        #expect(low < agreement && agreement < high)
    }

    /// Codes, and a float16 scale and minimum a group; a window adds nothing without end.
    @Test(arguments: [
        ("full-f32", 32), ("full-f16", 16), ("kivi-2-g32-r128", 3), ("kivi-4-g64-r128", 4.5),
        ("simulated:rtn-int2-token-g32", 3), ("simulated:rtn-int4-channel-g32/rtn-int2-token-g32+window=128", 4),
    ])
    func bitsAreThoseOfASequenceWithoutEnd(name: String, bits: Double) throws {
        let shape = CacheShape(layers: 2, kvHeads: 2, queriesPerHead: 2, headDim: 64)
        #expect(try CacheSpecification(parsing: name).bitsAsymptotic(shape: shape) == bits)
    }

    /// Mean −ln p from the definition, in double precision over the logits of whole windows.
    private func definition(_ model: LanguageModel, window: Int, firstScored: Int) throws -> Double {
        let vocabulary = model.configuration.vocabularySize
        var losses: [Double] = []
        for first in stride(from: 0, through: Self.tokens.count - window, by: window) {
            let ids = Array(Self.tokens[first..<first + window])
            let logits = try #require(
                try model.forward(ids, cache: model.makeCache(capacity: window), logits: .all)
            ).elements.map { Double($0) }
            for token in firstScored + 1..<window {
                let row = logits[(token - 1) * vocabulary..<token * vocabulary]
                losses.append(log(row.reduce(0) { $0 + exp($1) }) - row[row.startIndex + Int(ids[token])])
            }
        }
        return losses.reduce(0, +) / Double(losses.count)
    }

    @Test(
        arguments: [(QualityStudySettings.Scoring.secondHalf, 32), (.all, 0)],
        [(QualityStudySettings.Mode.exact, 1), (.exact, 5), (.exact, 32), (.exact, 500), (.inPlace, 32)]
    )
    func aFullCacheScoresWhatOnePassDoes(
        _ scoring: (QualityStudySettings.Scoring, firstScored: Int),
        _ mode: (QualityStudySettings.Mode, block: Int)
    ) throws {
        try Self.withModel { model in
            var settings = QualityStudySettings(caches: [try CacheSpecification(parsing: "full-f32")])
            settings.window = 64
            settings.scoring = scoring.0
            settings.mode = mode.0
            settings.blockTokens = mode.block
            settings.isCompared = false
            var shares: [Double] = []
            let tables = try QualityStudy.run(model: model, tokens: Self.tokens, settings: settings) {
                shares.append($0)
            }
            let row = tables[0].rowViews[0], loss = try #require(row.number("loss"))
            #expect(row.integer("tokens") == 6 * (63 - scoring.firstScored) && row.integer("windows") == 6)
            #expect(abs(loss - (try definition(model, window: 64, firstScored: scoring.firstScored))) < 1e-5)
            #expect(row.number("perplexity") == exp(loss))
            #expect(shares == shares.sorted() && shares.allSatisfy { 0 <= $0 && $0 <= 1 })
        }
    }

    @Test func aRowSaysWhatWasDone() throws {
        let names = ["full-f16", "kivi-2-g32-r32", "simulated:rtn-int2-token-g32"]
        func cells(_ order: PackedCacheFormat.Order, _ change: (inout QualityStudySettings) -> Void) throws
            -> [[String?]]
        {
            try Self.withModel { model in
                // The mode decides what caches do with a prompt; simulated ones have one order.
                var settings = QualityStudySettings(caches: [])
                settings.window = 128
                change(&settings)
                settings.caches = try names.map {
                    try CacheSpecification(
                        parsing: $0,
                        order: $0.hasPrefix("kivi") ? order : .afterAttention,
                        prefill: settings.mode.prefill
                    )
                }
                return try QualityStudy.run(model: model, tokens: Self.tokens, settings: settings)[0].rowViews.map {
                    row in
                    ["prefill", "order", "accuracy"].map { row.string($0) }
                }
            }
        }
        let full: [String?] = [nil, nil, nil]
        #expect(
            try cells(.afterAttention) { $0.blockTokens = 32 }
                == [full, ["exact", nil, "fast"], ["exact", nil, nil]]
        )
        #expect(
            try cells(.beforeAttention) { ($0.blockTokens, $0.maximumWindows) = (1, 1) }
                == [full, ["exact", "before-attention", "fast"], ["exact", "after-attention", nil]]
        )
        // Longer blocks are dequantized; here they are 100 tokens and 27.
        #expect(
            try cells(.afterAttention) { ($0.blockTokens, $0.scoring) = (100, .all) }[1] == [
                "exact", nil, "exact+fast",
            ]
        )
        #expect(
            try cells(.afterAttention) { $0.mode = .inPlace }
                == [full, ["in-place", nil, "exact"], ["in-place", nil, nil]]
        )
    }

    @Test func whatIsDoneIsKeptWhenTheStudyIsEnded() throws {
        struct Enough: Error {}
        try Self.withModel { model in
            var settings = QualityStudySettings(caches: [try CacheSpecification(parsing: "kivi-2-g32-r32")])
            settings.window = 40
            func stopped(at end: Double) throws -> [Table]? {
                var kept: [Table]?
                #expect(throws: Enough.self) {
                    _ = try QualityStudy.run(
                        model: model,
                        tokens: Self.tokens,
                        settings: settings,
                        progress: { if $0 >= end { throw Enough() } },
                        unfinished: { kept = $0 }
                    )
                }
                return kept
            }
            #expect(try stopped(at: 0.1) == nil)
            let kept = try #require(try stopped(at: 0.95))
            #expect(kept[0].rowViews[0].integer("windows") == 8)
            settings.maximumWindows = 8
            #expect(try QualityStudy.run(model: model, tokens: Self.tokens, settings: settings) == kept)
        }
    }

    @Test func logitsThatAreNotFiniteAreCountedAndHaveNoMean() throws {
        // The model's last bytes are float32 weights of its last layer; all ones are NaN.
        let tables = try Self.withModel(spoilt: true) { model in
            var settings = QualityStudySettings(caches: [try CacheSpecification(parsing: "full-f32")])
            settings.window = 128
            return try QualityStudy.run(model: model, tokens: Self.tokens, settings: settings)
        }
        for row in tables.flatMap({ $0.rowViews }) {
            #expect((row.integer("tokens") ?? 0) > 0 && row.integer("non_finite_tokens") == row.integer("tokens"))
            for column in ["loss", "perplexity", "divergence_mean", "divergence_max", "top1_agreement", "top1_low"] {
                #expect(row[column] == .missing, "\(column)")
            }
        }
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
            { $0.window = 1 }, { $0.stride = 0 }, { $0.blockTokens = 0 }, { $0.maximumWindows = 0 },
            // The second half of two tokens is the last, which nothing is predicted after.
            { $0.window = 2 },
        ] {
            #expect(throws: ModelError.self) { _ = try study(["full-f32"], change) }
        }
        #expect(try study(["full-f32"]) { $0.window = 3 }[0].rowViews[0].integer("tokens") == 133)
        #expect(
            try study(["full-f32"]) { ($0.window, $0.scoring) = (2, .all) }[0].rowViews[0].integer("tokens") == 200
        )
    }

    /// What would be done otherwise than asked for, or not at all.
    @Test func contradictionsAreRefused() throws {
        #expect(throws: ModelError.self) { _ = try study(["kivi-2-g32-r32"], prefill: .inPlace) }
        #expect(throws: ModelError.self) { _ = try study(["kivi-2-g32-r32"]) { $0.mode = .inPlace } }
        #expect(throws: ModelError.self) { _ = try study(["simulated:rtn-int2-token-g32"], prefill: .inPlace) }
        #expect(throws: ModelError.self) {
            _ = try CacheSpecification(parsing: "simulated:rtn-int2-token-g32", order: .beforeAttention)
        }
        let early = try CacheSpecification(parsing: "kivi-2-g32-r32", order: .beforeAttention)
        #expect(throws: ModelError.self) { _ = try study(["full-f32"]) { $0.caches = [early] } }
        _ = try study(["full-f32"]) { ($0.caches, $0.blockTokens, $0.maximumWindows) = ([early], 1, 1) }
    }
}
