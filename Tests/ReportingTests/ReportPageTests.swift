import Foundation
import Reporting
import TensorCore
import Testing

/// What a report's page does for its reader: warnings, large tables, strange values.
struct ReportPageTests {
    /// The page of a run with a table of texts that mean something to HTML and numbers that are none.
    private static func page(rows: Int) throws -> String {
        let run = try RunFolder(.plain)
        var table = Table(
            name: "strange",
            meaning: "Strange values.",
            columns: [
                Table.Column("place", .integer, "Place."), Table.Column("piece", .string, "A \"piece\" of <text>."),
                Table.Column("value", .number, unit: "dB", "A value."),
            ]
        )
        let pieces = ["</script><b>", "plain", "a & b", ""]
        let values: [Table.Value] = [
            .number(1.25), .missing, .number(.nan), .number(.infinity), .number(-.infinity), .number(1e-12),
        ]
        for row in 0..<rows {
            table.append([.integer(row), .string(pieces[row % pieces.count]), values[row % values.count]])
        }
        try CSV.write(table, to: "\(run.path)/tables/strange.csv")
        try TableDocumentation.write([table], to: "\(run.path)/tables/README.md")
        return HTMLReport.html(try Report.build(runDirectory: run.path))
    }

    /// The data of the table that the page gives to its script.
    private static func data(_ page: String) throws -> JSONValue? {
        let start = try #require(page.range(of: "Strange ("))
        let end = try #require(page[start.upperBound...].range(of: "</details>"))
        let section = page[start.upperBound..<end.lowerBound]
        guard let open = section.range(of: "<script type=\"application/json\">") else { return nil }
        let close = try #require(section[open.upperBound...].range(of: "</script>"))
        return try JSONValue.parse(String(section[open.upperBound..<close.lowerBound]))
    }

    @Test func filesEditedByHandAreNamedBeforeAnythingElse() throws {
        let run = try RunFolder(.plain)
        let alterations = [
            Alteration(file: "tables/errors-by-layer.csv", kind: .changed),
            Alteration(file: "tables/<mine>.csv", kind: .foreign),
        ]
        let page = HTMLReport.html(try Report.build(runDirectory: run.path, alterations: alterations))
        let warning = try #require(page.range(of: "What is shown here is not what the run computed"))
        let summary = try #require(page.range(of: "id=\"summary\""))
        #expect(warning.lowerBound < summary.lowerBound)
        #expect(page.contains("<li>tables/errors-by-layer.csv was changed after the run made it.</li>"))
        #expect(page.contains("<li>tables/&lt;mine&gt;.csv was not made by the run.</li>"))
        #expect(page.contains("This table was changed after the run made it."))
        let intact = HTMLReport.html(try Report.build(runDirectory: run.path))
        #expect(!intact.contains("not what the run computed") && !intact.contains("class=\"altered\""))
    }

    @Test(arguments: [1, 33, 200, 201, 1000])
    func everyRowIsInThePage(rows: Int) throws {
        let page = try Self.page(rows: rows)
        let data = try Self.data(page)
        if rows <= 200 {
            #expect(data == nil)
            return
        }
        guard case .array(let columns) = data, columns.count == 3 else {
            Issue.record("\(rows) rows have no data")
            return
        }
        #expect(columns[0] == .array((0..<rows).map { .number(String($0)) }))
        guard case .array(let values) = columns[2] else { return }
        #expect(values.count == rows)
        #expect(
            Array(values.prefix(6))
                == [
                    .number("1.25"), .null, .string("NaN"), .string("Infinity"), .string("-Infinity"), .number("1e-12"),
                ]
        )
        guard case .array(let codes) = columns[1]["codes"], case .array(let words) = columns[1]["words"] else {
            Issue.record("texts are no list of words")
            return
        }
        #expect(codes.count == rows)
        #expect(words == ["</script><b>", "plain", "a & b", ""].map { .string($0) })
    }

    @Test func valuesThatAreNoNumbersAreShownAsWhatTheyAre() throws {
        let page = try Self.page(rows: 6)
        for cell in [
            "data-v=\"nan\">NaN</td>", "data-v=\"inf\">∞</td>", "data-v=\"-inf\">−∞</td>", "<td class=\"n\"></td>",
            "<td>&lt;/script&gt;&lt;b&gt;</td>", "title=\"A &quot;piece&quot; of &lt;text&gt;.\"",
        ] {
            let isThere = page.contains(cell)
            #expect(isThere, "\(cell)")
        }
    }

    @Test func aTableTooLargeForAPageSaysSo() throws {
        let page = try Self.page(rows: 140_000)
        #expect(try Self.data(page) == nil)
        #expect(page.contains("This shows, sorts and filters the first 200 of 140,000 rows; all are in "))
        // Before the rows, with all of them summed up.
        let top = try #require(page.range(of: "Only the first 200 of 140,000 rows are here")).lowerBound
        let filter = try #require(page.range(of: "class=\"filter\"", range: top..<page.endIndex)).lowerBound
        #expect(page[top..<filter].contains("missing or not finite"))
        #expect(page[top..<filter].contains(">46,667<") && page[top..<filter].contains(">93,333<"))
        #expect(page.utf8.count < 8 << 20)
    }

    @Test func aTableWithoutRowsIsNoEmptyFrame() throws {
        let page = try Self.page(rows: 0)
        #expect(page.contains("It has no rows."))
    }

    @Test func whatFiguresShowIsSaidInTheSummary() throws {
        let run = try RunFolder(.outliers)
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        let summary = try #require(page.range(of: "What the figures show"))
        let figures = try #require(page.range(of: "<h2>Figures</h2>"))
        let list = page[summary.upperBound..<figures.lowerBound]
        #expect(list.contains("href=\"#figure-error-by-layer\">At 2 bits, keys quantized per token err"))
    }

    @Test func provenanceReadsAsWords() throws {
        let run = try RunFolder(.plain)
        try run.write(
            """
            {"toolVersion": "1", "modelSHA256": "ab", "memoryBytes": 8589934592, "byteCount": 12,
             "libraries": {"OpenBLAS": "1"}, "stages": [{"fingerprint": "ab", "id": "capture", "seconds": 1.23456}],
             "command": ["kvatlas", "run", "my file.yaml"], "outputs": {"tables/errors_x.csv": "cd"}}
            """,
            to: "provenance.json"
        )
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        for part in [
            "<dt>tool version</dt>", "<dt>model SHA256</dt>", "<dd>8589934592 (8 GiB)</dd>", "<dd>12</dd>",
            "<dd>kvatlas run 'my file.yaml'</dd>", "<dt>tables/errors_x.csv</dt>",
            "<dt>OpenBLAS</dt>", "<strong>capture</strong>", "<dd>1.23</dd>",
        ] {
            let isThere = page.contains(part)
            #expect(isThere, "\(part)")
        }
    }

    @Test(arguments: ["a \"b\" \\ \n\t\u{1}", "é 中 🙂", "\u{2028}", ""])
    func jsonTextReadsBack(text: String) throws {
        let value = JSONValue.object([
            .init(text, .array([.string(text), .number("1e-3"), .null, .boolean(true), .array([]), .object([])]))
        ])
        #expect(try JSONValue.parse(value.text) == value)
        #expect(try JSONValue.parse(value.indentedText) == value)
        #expect(!value.text.contains("\n"))
    }
}
