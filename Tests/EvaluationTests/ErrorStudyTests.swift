import Evaluation
import Inference
import Kernels
import Quantization
import TensorCore
import Testing

@Suite struct ErrorStudyTests {
    @Test func identityIsZeroThroughEveryMetric() throws {
        // Enough tokens and queries for several blocks of work.
        let source = ArraySource.gaussian(layers: [3, 5], headDim: 16, sequences: [0..<150], outlier: 3)
        let result = try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-g16"]))
        let rows = result.errors.rowViews.filter { $0.string("scheme") == "identity" }
        let metrics = Set(rows.compactMap { $0.string("metric") })
        #expect(metrics == Set(MetricCatalogue.all.map { $0.id }))
        for row in rows where row.string("metric") != "attention_sparsity" {
            let exact: Double = row.string("metric") == "sqnr_db" ? .infinity : 0
            #expect(row.number("value") == exact)
            #expect(row.number("bits_asymptotic") == 16 && row.number("bits_at_length") == 16)
        }
    }

    private func values(_ source: ArraySource, _ metric: String) throws -> [Double?] {
        // Beside one that is never zero: a lossy scheme that loses nothing at all is an error.
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32"], metrics: [metric, "relative_frobenius"])
        let table = try ErrorStudy.run(source: source, settings: settings).errors
        var values: [Double?] = []
        for row in table.rowViews
        where row.string("scheme") == "rtn-int2-token-g32" && row.string("metric") == metric {
            values.append(row.number("value"))
        }
        return values
    }

    @Test func layersSeeTheirWindowOnly() throws {
        var source = ArraySource.gaussian(layers: [0, 1], sequences: [0..<90])
        let whole = try values(source, "output_error_key")
        source.attention = .usual(layers: 2, headDim: 32, ropeBase: 10_000)
        #expect(try values(source, "output_error_key") == whole)
        source.attention?.layers = [AttentionReach(window: 90, rotation: 0), AttentionReach(window: 89, rotation: 0)]
        let almost = try values(source, "output_error_key")
        #expect(almost != whole)
        // Who sees nothing but itself gives itself all weight, whatever its key has become.
        let alone = AttentionReach(window: 1, rotation: 0)
        source.attention?.layers = [alone, alone]
        #expect(try values(source, "output_error_key").allSatisfy { $0 == 0 })
        #expect(try values(source, "output_error_value").allSatisfy { ($0 ?? 0) > 0.1 })
    }

    @Test func layersHaveTheirOwnScale() throws {
        var source = ArraySource.gaussian(sequences: [0..<90])
        let usual = try values(source, "output_error_key")
        source.attention = .usual(layers: 1, headDim: 32, ropeBase: 10_000)
        // Scores that are hardly told apart: errors of keys hardly matter.
        source.attention?.scale = 1e-4
        let flat = try values(source, "output_error_key")
        #expect(zip(flat, usual).allSatisfy { ($0 ?? 1) < 0.01 * ($1 ?? 0) })
    }

    @Test func scoresAreCapped() throws {
        var source = ArraySource.gaussian(sequences: [0..<90])
        let usual = try values(source, "output_error_key")
        source.attention = .usual(layers: 1, headDim: 32, ropeBase: 10_000)
        // Far above every score a cap changes them by less than their third power over three times its square.
        source.attention?.softcap = 1e4
        for (capped, plain) in zip(try values(source, "output_error_key"), usual) {
            #expect(abs((capped ?? 0) - (plain ?? 1)) < 1e-4 * (plain ?? 0))
        }
        // Between −0.001 and 0.001 all scores are alike: errors of keys hardly matter.
        source.attention?.softcap = 1e-3
        let flat = try values(source, "output_error_key")
        #expect(zip(flat, usual).allSatisfy { ($0 ?? 1) < 0.01 * ($1 ?? 0) })
    }

    @Test func aLossySchemeThatLosesNothingIsAnError() throws {
        var source = ArraySource.gaussian(sequences: [0..<40])
        source.key[0] = [UInt16](repeating: 0x3C00, count: 40 * 64)
        source.value[0] = source.key[0]
        #expect(
            throws: ErrorStudyError.nothingLost(scheme: "rtn-int2-token-g32", tokens: 40, isAllWindow: false)
        ) { try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-g32"])) }
    }

    @Test func aWindowThatHoldsAllIsAnErrorThatSaysSo() throws {
        let source = ArraySource.gaussian(sequences: [0..<100])
        #expect {
            try ErrorStudy.run(source: source, settings: .terms(["kivi-2-g32-r128"]))
        } throws: { error in
            "\(error)".contains("its window holds all 100 tokens")
        }
    }

    @Test func aSchemeWhoseWindowHoldsAllIsLeftOutWithAWarning() throws {
        let source = ArraySource.gaussian(sequences: [0..<40, 40..<91])
        let result = try ErrorStudy.run(
            source: source,
            settings: .terms(["kivi-2-g32-r128", "rtn-int2-token-g32", "identity/rtn-int4-token-g32+residual=64"])
        )
        #expect(result.warnings.count == 2)
        #expect(result.warnings[0].contains("'kivi-2-g32-r128'") && result.warnings[0].contains("all 91 tokens"))
        #expect(result.warnings[1].contains("'identity/rtn-int4-token-g32+residual=64'"))
        #expect(result.schemes.map { $0.id } == ["identity", "rtn-int2-token-g32"])
        #expect(Set(result.errors.rowViews.map { $0.string("scheme") }) == ["identity", "rtn-int2-token-g32"])
    }

    @Test func theDefaultSchemesRunOnAShortText() throws {
        let result = try ErrorStudy.run(source: ArraySource.gaussian(sequences: [0..<91]))
        #expect(result.warnings.count == 2 && result.warnings.allSatisfy { $0.contains("kivi") })
        #expect(result.schemes.count == ErrorStudySettings.defaultSchemes.count - 2)
    }

    @Test func aWindowThatLeavesOneTokenIsNoReason() throws {
        let source = ArraySource.gaussian(sequences: [0..<40, 40..<41])
        let result = try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-g32+window=39"]))
        #expect(result.warnings.isEmpty && result.schemes.count == 2)
    }

    @Test func anOutlierChannelRuinsKeysPerToken() throws {
        let source = ArraySource.gaussian(sequences: [0..<128], outlier: 5)
        let result = try ErrorStudy.run(
            source: source,
            settings: .terms(["rtn-int2-token-g32", "rtn-int2-channel-g32"])
        )
        for metric in ["mean_absolute_relative_error", "score_relative_error", "score_relative_frobenius"] {
            for head in 0..<2 {
                let perToken = try #require(result.error(metric, "key", "rtn-int2-token-g32", head: head))
                let perChannel = try #require(result.error(metric, "key", "rtn-int2-channel-g32", head: head))
                #expect(perToken > 1.5 * perChannel, "\(metric)")
            }
        }
        let row = try #require(
            result.paperTable2.rowViews.first {
                $0.string("quantity") == "K" && $0.string("reading") == "element-wise mean"
            }
        )
        #expect(row.string("same_direction") == "yes")
        #expect(row.integer("layers_same_direction") == 1 && row.integer("layers") == 1)
        #expect(row.number("paper_per_token") == 13.67 && row.number("paper_per_channel") == 4.55)
    }

    @Test func aSharedSideGivesTheSameNumbersInEveryPair() throws {
        let source = ArraySource.gaussian()
        let terms = ["rtn-int2-token-g32", "rtn-int2-token-g32/rtn-int2-channel-g32", "rtn-int2-token-g32/identity"]
        let result = try ErrorStudy.run(source: source, settings: .terms(terms))
        for metric in ["mse", "score_relative_error", "output_error_key"] {
            let values = Set(terms.map { result.error(metric, "key", $0) })
            #expect(values.count == 1 && !values.contains(nil))
        }
        // With exact values, the pair's error is the keys' alone.
        #expect(
            result.error("output_error_pair", "pair", terms[2]) == result.error("output_error_key", "key", terms[2])
        )
    }

    @Test func theQueryOfOneTokenSeesOnlyItself() throws {
        let source = ArraySource.gaussian(sequences: [0..<1])
        let result = try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-g32"]))
        // One key: the weight is 1 whatever the key, and the output is the value.
        #expect(result.error("score_relative_error", "key", "rtn-int2-token-g32") == 0)
        #expect(result.error("output_error_key", "key", "rtn-int2-token-g32") == 0)
        #expect(
            result.error("output_error_value", "value", "rtn-int2-token-g32")
                == result.error("relative_frobenius", "value", "rtn-int2-token-g32")
        )
    }

    @Test func everyLengthIsEvaluated() throws {
        for tokens in 1...33 {
            let source = ArraySource.gaussian(headDim: 8, sequences: [0..<tokens], seed: UInt64(tokens))
            let result = try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-whole"]))
            #expect(result.errors.rowViews.allSatisfy { $0.integer("tokens") == tokens })
            #expect(result.errors.rowViews.allSatisfy { $0.number("value")?.isNaN == false })
        }
    }

    @Test func sequencesAreEvaluatedApartAndAveraged() throws {
        let both = ArraySource.gaussian(sequences: [0..<64, 64..<96])
        func only(_ range: Range<Int>) throws -> ErrorStudyResult {
            var part = both
            part.sequences = [range]
            return try ErrorStudy.run(source: part, settings: .terms(["rtn-int2-channel-g32"], maximumQueries: 32))
        }
        let all = try ErrorStudy.run(source: both, settings: .terms(["rtn-int2-channel-g32"], maximumQueries: 32))
        let (long, short) = (try only(0..<64), try only(64..<96))
        for metric in ["relative_frobenius", "mse"] {
            let parts = [long, short].map { $0.error(metric, "key", "rtn-int2-channel-g32") ?? .nan }
            let expected = (64 * parts[0] + 32 * parts[1]) / 96
            let ours = try #require(all.error(metric, "key", "rtn-int2-channel-g32"))
            #expect(abs(ours - expected) <= 4 * expected.ulp)
        }
        #expect(all.errors.rowViews.allSatisfy { $0.integer("tokens") == 96 })
    }

    @Test func layersAreChosen() throws {
        let source = ArraySource.gaussian(layers: [2, 4, 9])
        var settings = try ErrorStudySettings.terms(["rtn-int2-token-g32"])
        settings.layers = [9, 2]
        let result = try ErrorStudy.run(source: source, settings: settings)
        #expect(Set(result.errors.rowViews.compactMap { $0.integer("layer") }) == [2, 9])
        settings.layers = [3]
        #expect(throws: ErrorStudyError.noLayer(3, captured: [2, 4, 9])) {
            try ErrorStudy.run(source: source, settings: settings)
        }
    }

    @Test func numbersDoNotDependOnTheNumberOfThreads() throws {
        let source = ArraySource.gaussian(sequences: [0..<200], outlier: 1)
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32", "kivi-2-g32-r64"])
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = 1
        let alone = try ErrorStudy.run(source: source, settings: settings)
        Parallel.threadCount = 5
        let together = try ErrorStudy.run(source: source, settings: settings)
        #expect(alone.tables == together.tables)
    }

    @Test func progressEndsAtOneAndNeverFalls() throws {
        var seen: [Double] = []
        let source = ArraySource.gaussian(layers: [0, 1], sequences: [0..<32, 32..<64])
        _ = try ErrorStudy.run(source: source, settings: .terms(["rtn-int2-token-g32"])) { seen.append($0) }
        #expect(seen == [0.25, 0.5, 0.75, 1])
    }
}
