import Reporting
import TensorCore
import Testing

/// What a report sets beside the paper, and what it says of its own measurements.
struct ReportComparisonTests {
    private static func page(_ table: Table) throws -> String {
        let run = try RunFolder(.plain)
        try CSV.write(table, to: "\(run.path)/tables/paper-table-2.csv")
        return HTMLReport.html(try Report.build(runDirectory: run.path))
    }

    @Test(arguments: [
        ("element-wise mean", 2, 32, true), ("relative norm", 2, 32, false), ("element-wise mean", 4, 32, false),
        ("element-wise mean", 2, 64, false), ("element-wise mean", 2, nil, false),
    ])
    func thePapersNumbersStandBesideTheSameQuantityOnly(reading: String, bits: Int, group: Int?, isThere: Bool) throws {
        var table = Table(name: "paper-table-2", meaning: "", columns: SyntheticTables.plain.paperTable2.columns)
        table.append([
            .string("mean_absolute_relative_error"), .string("K"), .string(reading), .number(7), .number(3.5),
            .number(2), .number(13.67), .number(4.55), .number(3.004), .integer(bits),
            group.map { .integer($0) } ?? .missing, .string("yes"), .integer(3), .integer(3),
        ])
        let page = try Self.page(table)
        #expect(page.contains(">13.67</td>") == isThere && page.contains(">4.55</td>") == isThere)
        #expect(page.contains(">3.5</td>"))
    }

    @Test func theReportSaysHowManyQueriesAttentionErrorsUsed() throws {
        let run = try RunFolder(.plain)
        #expect(!HTMLReport.html(try Report.build(runDirectory: run.path)).contains("query positions"))
        try run.write("analyses:\n  errors:\n    max_queries: 96\n    query_stride: 4\n", to: "manifest.yaml")
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        #expect(page.contains("up to 96 query positions of each sequence"))
        #expect(page.contains("at least 4 tokens apart"))
    }

    @Test func tablesShowTheirMeanings() throws {
        let run = try RunFolder(.plain)
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        for table in SyntheticTables.plain.all.values where table.rows.count <= 1500 {
            #expect(page.contains("<p>\(table.meaning)</p>"), "\(table.name)")
        }
    }

    @Test func requestsKeepTheirSlashes() throws {
        let run = try RunFolder(.plain)
        let request = FigureRequest(
            id: "error-by-layer",
            selection: FigureSelection(layer: nil, scheme: "rtn-int2-channel-g32/rtn-int2-token-g32")
        )
        try Report.write(requests: [request], runDirectory: run.path)
        #expect(try run.read("figures.json").contains("rtn-int2-channel-g32/rtn-int2-token-g32"))
    }

    @Test func identityIsNotReportedAsAFinding() throws {
        let svg = try FigureCatalogue.figure(
            id: "error-by-layer",
            tables: SyntheticTables.plain.all,
            context: FigureSnapshotTests.plainContext
        )
        #expect(!svg.contains("identity"))
        #expect(svg.contains("At 2 bits, keys quantized per token err"))
        #expect(svg.contains("more in 30 of 30"))
    }

    @Test func schemesWithoutACounterpartGetANeutralTitle() throws {
        let svg = try FigureCatalogue.figure(
            id: "error-by-layer",
            tables: SyntheticTables.plain.all,
            context: FigureSnapshotTests.plainContext,
            selection: FigureSelection(
                schemes: ["rtn-int2-token-g32", "kivi-4-g32-r128"],
                metrics: ["mean_absolute_relative_error"]
            )
        )
        #expect(svg.contains("Mean absolute relative error of the keys, layer by layer"))
    }
}
