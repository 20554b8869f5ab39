import Evaluation
import Quantization
import TensorCore
import Testing

@Suite struct ErrorTableTests {
    private func result() throws -> ErrorStudyResult {
        try ErrorStudy.run(
            source: ArraySource.gaussian(layers: [0, 1], sequences: [0..<150]),
            settings: .terms([
                "rtn-int2-token-g32", "rtn-int2-channel-g32", "kivi-2-g32-r64",
                "rtn-int4-channel-g32/rtn-int2-token-whole",
            ])
        )
    }

    @Test func tablesHaveTheAgreedColumns() throws {
        let result = try result()
        func columns(_ table: Table) -> [String] { table.columns.map { $0.name } }
        #expect(result.errors.name == "errors")
        #expect(
            columns(result.errors) == [
                "layer", "head", "tensor", "scheme", "metric", "value", "key_axis", "value_axis", "bits",
                "group_size", "key_rope", "scale_type", "calibration", "window", "prefill_mode", "bits_asymptotic",
                "bits_at_length", "tokens",
            ]
        )
        #expect(result.errorsByLayer.name == "errors-by-layer")
        #expect(columns(result.errorsByLayer) == ["layer", "tensor", "scheme", "metric", "value"])
        #expect(result.paperTable2.name == "paper-table-2")
        #expect(
            columns(result.paperTable2).starts(with: [
                "metric", "quantity", "reading", "per_token", "per_channel", "ratio", "paper_per_token",
                "paper_per_channel", "paper_ratio", "bits", "group_size",
            ])
        )
        #expect(result.perTokenVersusPerChannel.name == "per-token-vs-per-channel")
        #expect(
            columns(result.perTokenVersusPerChannel) == [
                "layer", "tensor", "metric", "bits", "group_size", "per_token", "per_channel", "ratio", "grouping",
            ]
        )
    }

    @Test func everyRowOfTheErrorsIsThereOnce() throws {
        let errors = try result().errors
        let rows = errors.rowViews.map { row in
            ["layer", "head", "tensor", "scheme", "metric"].map { "\(row[$0])" }.joined(separator: "|")
        }
        #expect(Set(rows).count == rows.count)
        // Thirteen metrics, four of them for keys and for values; sparsity with the control alone.
        #expect(rows.count == 2 * 2 * (5 * 17 + 1))
    }

    @Test func rowsDescribeTheirScheme() throws {
        let errors = try result().errors
        func row(_ scheme: String, _ tensor: String) throws -> Table.RowView {
            try #require(errors.rowViews.first { $0.string("scheme") == scheme && $0.string("tensor") == tensor })
        }
        let kivi = try row("kivi-2-g32-r64", "key")
        #expect(kivi.string("key_axis") == "per-channel" && kivi.string("value_axis") == "per-token")
        #expect(kivi.string("window") == "residual=64" && kivi.string("prefill_mode") == "in-place")
        #expect(kivi.number("bits") == 2 && kivi.integer("group_size") == 32)
        // 150 tokens: 128 keys at 3 bits and 22 at 16; of values 86 at 3 and 64 at 16.
        #expect(kivi.number("bits_asymptotic") == 3)
        let keyBits: Double = (128 * 3 + 22 * 16) / 150
        #expect(kivi.number("bits_at_length") == keyBits)
        let values = try row("kivi-2-g32-r64", "value")
        let valueBits: Double = (86 * 3 + 64 * 16) / 150
        #expect(values.number("bits_at_length") == valueBits)
        let pair = try row("kivi-2-g32-r64", "pair")
        let pairBits: Double = (214 * 3 + 86 * 16) / 300
        #expect(pair.number("bits_at_length") == pairBits)
        let mixed = try row("rtn-int4-channel-g32/rtn-int2-token-whole", "pair")
        #expect(mixed.number("bits") == 3 && mixed.integer("group_size") == 32)
        let control = try row("identity", "key")
        #expect(control.string("key_axis") == "none" && control.string("window") == "none")
        #expect(control["group_size"] == .missing)
    }

    @Test func layersAreMeansOfTheirHeads() throws {
        let result = try result()
        for row in result.errorsByLayer.rowViews where row.string("metric") != "sqnr_db" {
            let heads = (0..<2).compactMap {
                result.error(
                    row.string("metric") ?? "",
                    row.string("tensor") ?? "",
                    row.string("scheme") ?? "",
                    layer: row.integer("layer") ?? -1,
                    head: $0
                )
            }
            #expect(row.number("value") == heads.reduce(0, +) / 2)
        }
    }

    @Test func axesAreComparedLayerByLayer() throws {
        let result = try result()
        let comparison = result.perTokenVersusPerChannel
        // The mixed pair has no partner; windows are no plain comparison.
        #expect(Set(comparison.rowViews.compactMap { $0.integer("bits") }) == [2])
        for row in comparison.rowViews {
            let (token, channel) = (row.number("per_token") ?? 0, row.number("per_channel") ?? 0)
            #expect(row.number("ratio") == token / channel)
        }
        #expect(comparison.rowViews.contains { $0.string("tensor") == "pair" })
        #expect(Set(comparison.rowViews.compactMap { $0.integer("layer") }) == [0, 1])
    }

    @Test func theSummaryHasThePapersFourQuantitiesInBothReadings() throws {
        let table = try result().paperTable2
        for quantity in ["K", "A", "V", "AV"] {
            let rows = table.rowViews.filter { $0.string("quantity") == quantity && $0.integer("bits") == 2 }
            #expect(rows.map { $0.string("reading") } == ["element-wise mean", "relative norm"])
            #expect(rows.allSatisfy { $0.integer("layers") == 2 })
        }
        let delta = try #require(table.rowViews.first { $0.string("quantity") == "AV" })
        #expect(delta.number("paper_ratio") == 3.55 / 49.89)
        let sparsity = try #require(table.rowViews.first { $0.string("metric") == "attention_sparsity" })
        #expect(sparsity.number("paper_per_token") == 0.843)
    }
}
