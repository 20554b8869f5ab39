import Reporting
import TensorCore
import Testing

struct VerdictTests {
    /// Pairs of (per token, per channel) of one tensor and metric, one a layer.
    private func pairs(_ tensor: String, _ metric: String, _ values: [(Double, Double)]) -> [String: Table] {
        var table = Table(
            name: "per-token-vs-per-channel",
            meaning: "",
            columns: SyntheticTables.plain.perTokenVersusPerChannel.columns
        )
        for (layer, pair) in values.enumerated() {
            table.append([
                .integer(layer), .string(tensor), .string(metric), .integer(2), .integer(32), .number(pair.0),
                .number(pair.1), .number(pair.0 / pair.1),
            ])
        }
        return [table.name: table]
    }

    private func keys(_ values: [(Double, Double)]) throws -> Verdict {
        try #require(try Verdict.all(pairs("key", "mean_absolute_relative_error", values)).first)
    }

    @Test func anEffectInAllLayersHolds() throws {
        let verdict = try keys([(6, 2), (8, 2), (4, 2)])
        #expect(verdict.outcome == .holds)
        #expect(verdict.sentence.contains("is 6 per token and 2 per channel: per token errs 3× as much as per channel"))
        #expect(verdict.sentence.contains("3×: 13.67 and 4.55"))
        #expect(verdict.sentence.contains("in all 3 layers"))
    }

    @Test func anEffectInSomeLayersNamesThem() throws {
        let verdict = try keys([(1, 2), (8, 2), (4, 2), (1, 2), (8, 2)])
        #expect(verdict.outcome == .holdsMostly)
        #expect(verdict.sentence.contains("in 3 of 5 layers (1, 2, 4), not in 0, 3."))
    }

    @Test func aModelWithoutTheEffectOnAverageSaysSoAndWhereItIs() throws {
        let verdict = try keys([(1, 2), (1, 2), (3, 2)])
        #expect(verdict.outcome == .holdsPartly)
        #expect(verdict.sentence.contains("On average this model does not show the effect."))
        #expect(verdict.sentence.contains("in 1 of 3 layers (2), not in 0, 1."))
    }

    @Test func aModelWithoutTheEffectAnywhereSaysSo() throws {
        let verdict = try keys([(1, 2), (2, 2)])
        #expect(verdict.outcome == .doesNotHold)
        #expect(verdict.sentence.contains("does not show the effect in any of its 2 layers"))
    }

    @Test func valuesAreJudgedTheOtherWayRound() throws {
        let verdict = try #require(try Verdict.all(pairs("value", "output_error_value", [(1, 14), (2, 28)])).first)
        #expect(verdict.outcome == .holds)
        #expect(verdict.sentence.contains("per channel errs 14× as much as per token"))
        #expect(verdict.sentence.contains("14×: 3.55 and 49.89"))
    }

    @Test func meansThatEntriesNearZeroDominateGiveWayToTheNorm() throws {
        var tables = pairs("key", "score_relative_error", [(7e29, 6411), (3, 5)])
        let norm = pairs("key", "score_relative_frobenius", [(1.2, 0.4), (1.0, 0.5)])
        for (name, table) in norm { tables[name]?.append(contentsOf: table) }
        let verdict = try #require(try Verdict.all(tables).first)
        #expect(verdict.outcome == .holds)
        #expect(verdict.sentence.contains("as a relative norm, is 1.1 per token and 0.45 per channel"))
        #expect(verdict.sentence.contains("dominated by entries near zero here: 3.5×10²⁹ per token"))
    }

    @Test func errorsOfZeroHaveNoRatio() throws {
        let verdict = try keys([(0, 0)])
        #expect(verdict.outcome == .doesNotHold)
        #expect(!verdict.sentence.contains("errs"))
    }

    @Test func fewestBitsAreJudged() throws {
        let verdicts = try Verdict.all(SyntheticTables.outliers.all)
        let keys = try #require(verdicts.first { $0.claim.hasPrefix("Keys want") })
        #expect(keys.sentence.hasPrefix("At 2 bits, groups of 32"))
    }

    @Test func outlierChannelsAreNamedWithTheirLayers() throws {
        let verdicts = try Verdict.all(SyntheticTables.outliers.all)
        let keys = try #require(verdicts.first { $0.claim == "Some key channels are outliers" })
        #expect(keys.outcome == .holdsPartly)
        #expect(keys.sentence.contains("channel 34 of KV head 0 in layer 17"))
        let values = try #require(verdicts.first { $0.claim == "Values have no outlier channels" })
        #expect(values.outcome == .holds)
    }

    @Test func aPlainModelHasNoOutliers() throws {
        let verdicts = try Verdict.all(SyntheticTables.plain.all)
        let keys = try #require(verdicts.first { $0.claim == "Some key channels are outliers" })
        #expect(keys.outcome == .doesNotHold)
        #expect(keys.sentence.contains("this model does not show the effect"))
    }

    @Test func outliersAreFoundInTheShorterTableToo() throws {
        let table = SyntheticTables.outliers.outlierChannels
        let verdicts = try Verdict.all([table.name: table])
        #expect(verdicts.count == 1 && verdicts[0].sentence.contains("layer 17"))
    }

    @Test func withoutTablesThereIsNoVerdict() throws {
        #expect(try Verdict.all([:]).isEmpty)
    }
}
