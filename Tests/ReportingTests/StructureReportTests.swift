import Foundation
import Reporting
import TensorCore
import Testing

/// What a report, a notebook and LaTeX say of the structure study.
struct StructureReportTests {
    private static let names = [
        "transform-effects", "outlier-stability", "attention-sinks", "attention-profile", "spectrum",
        "spectrum-summary", "locality", "cross-layer",
    ]

    private static func tables(_ synthetic: SyntheticTables) -> [String: Table] {
        synthetic.everything.filter { names.contains($0.key) }
    }

    private static func content(_ synthetic: SyntheticTables) throws -> ReportContent {
        let run = try RunFolder(synthetic)
        for table in tables(synthetic).values { try CSV.write(table, to: "\(run.path)/tables/\(table.name).csv") }
        return try Report.build(runDirectory: run.path)
    }

    private static func middle(_ values: [Double]) -> Double {
        let sorted = values.sorted(), half = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[half]
    }

    @Test func everyTopicHasItsNumbers() throws {
        let findings = StructureFinding.all(Self.tables(.outliers))
        #expect(
            findings.map { $0.topic } == ["Attention sinks", "Outlier channels", "Rotation", "Rank", "Likeness"]
        )
        let table = try #require(SyntheticTables.outliers.everything["locality"])
        let cosine = Self.middle(
            table.rowViews.filter { $0.string("tensor") == "key" }.compactMap { $0.number("neighbour_cosine_centred") }
        )
        let text = findings.map { $0.sentence }.joined(separator: "\n")
        #expect(text.contains("\(String(format: "%.2f", cosine)) for keys, "), "\(text)")
        #expect(text.contains("24 of 24 layers have a token that draws more than a tenth of the attention"))
        #expect(text.contains("Values have channels beyond 5 times the median one in 8 of 24 layers"))
        #expect(text.contains("Before against after RoPE the index is 0."))
        #expect(text.contains("The effective rank of the median head, of 64 channels, is "))
        let plain = StructureFinding.all(Self.tables(.plain)).map { $0.sentence }.joined(separator: "\n")
        #expect(plain.contains("0 of 30 layers have a token that draws more than a tenth"))
    }

    /// Whatever is missing, the rest is said; nothing is no sentence.
    @Test func withoutATableItsSentenceIsMissing() {
        #expect(StructureFinding.all([:]).isEmpty)
        #expect(LatexExport.madeTables([:]).isEmpty)
        for name in Self.names {
            var tables = Self.tables(.outliers)
            tables[name] = nil
            #expect((4...5).contains(StructureFinding.all(tables).count), "\(name)")
            let alone = StructureFinding.all(
                [name: tables[name] ?? SyntheticTables.outliers.everything[name]]
                    .compactMapValues { $0 }
            )
            #expect(alone.count <= 1, "\(name)")
        }
        // A table of an older version, or edited: columns are missing, or all numbers are.
        for (name, table) in Self.tables(.outliers) {
            var bare = Table(name: name, meaning: "", columns: Array(table.columns.prefix(2)))
            for row in table.rows.prefix(3) { bare.append(Array(row.prefix(2))) }
            #expect(StructureFinding.all([name: bare]).isEmpty, "\(name)")
            var holes = Table(name: name, meaning: "", columns: table.columns)
            for row in table.rows.prefix(50) {
                holes.append(
                    zip(row, table.columns).map { $1.kind == .number ? .number(.nan) : $0 }
                )
            }
            for finding in StructureFinding.all([name: holes]) {
                #expect(!finding.sentence.lowercased().contains("nan"), "\(finding)")
            }
        }
    }

    @Test func theOverviewIsOneRowATensor() throws {
        let overview = try #require(LatexExport.madeTables(Self.tables(.outliers)).first)
        #expect(overview.name == "structure-overview")
        #expect(overview.rowViews.map { $0.string("tensor") } == ["key_pre_rope", "key", "value"])
        #expect(overview.columns.allSatisfy { !$0.meaning.isEmpty })
        let value = try #require(overview.rowViews.last)
        #expect(abs(try #require(value.number("outlier_layers")) - 8.0 / 24) < 1e-12)
        let ranks = try #require(SyntheticTables.outliers.everything["spectrum-summary"])
        let expected = Self.middle(
            ranks.rowViews.filter { $0.string("tensor") == "value" }.compactMap { $0.number("effective_rank") }
        )
        #expect(value.number("effective_rank") == expected)
    }

    @Test func thePageTheNotebookAndLatexSayIt() throws {
        let content = try Self.content(.outliers)
        let page = HTMLReport.html(content)
        let summary = try #require(page.range(of: "The structure of the cache")).upperBound
        let figures = try #require(page.range(of: "<h2>Figures</h2>")).lowerBound
        #expect(page[summary..<figures].contains("<strong>Attention sinks.</strong>"))
        #expect(page[summary..<figures].contains("neighbour cosine</th>"))
        // A token's text is no HTML.
        #expect(page.contains("(&lt;|im_start|&gt;)") && !page.contains("(<|im_start|>)"))
        let notebook = NotebookExport.text(content, runPath: "run", folderName: "")
        #expect(notebook.contains("**Likeness**") && notebook.contains("\"id\": \"structure\""))
        #expect(notebook.contains("redraw-sinks"))
        let files = LatexExport.files(content, names: ["structure-overview", "per-token-vs-per-channel"])
        #expect(
            files.map { $0.name } == [
                "structure-overview.tex", "per-token-vs-per-channel.tex", "findings.tex", "all-tables.tex",
            ]
        )
        let findings = try #require(files.first { $0.name == "findings.tex" }).text
        #expect(findings.contains("\\item[Rank] The effective rank") && !findings.contains("<|"))
        #expect(try #require(files.first).text.contains("\\toprule"))
    }

    @Test func aRunWithoutItIsAsItWas() throws {
        let run = try RunFolder(.plain)
        let content = try Report.build(runDirectory: run.path)
        #expect(!HTMLReport.html(content).contains("The structure of the cache"))
        #expect(!NotebookExport.text(content, runPath: "run", folderName: "").contains("structure study"))
    }

    /// A list of figures that was edited: where and what, in words of ours.
    @Test(arguments: [
        ("{\"id\": 3}", "the file is not a list"), ("[{\"id\": 3, \"selection\": {}}]", "item 1, 'id' is not a text"),
        ("[{\"selection\": {}}]", "item 1 has no 'id'"), ("not json", "it is not JSON"),
        ("[{\"id\": \"ecdf\", \"selection\": {\"layers\": [0, \"x\"]}}]", "'layers', item 2 is not a whole number"),
        ("[{\"id\": \"ecdf\", \"selection\": {\"layers\": 3}}]", "'layers' is not a list"),
    ])
    func aBadListOfFiguresIsToldInWords(text: String, problem: String) throws {
        let run = try RunFolder(.plain)
        try text.write(toFile: "\(run.path)/figures.json", atomically: true, encoding: .utf8)
        let error = #expect(throws: ReportingError.self) { try Report.build(runDirectory: run.path) }
        let told = error?.description ?? ""
        #expect(told.contains(problem), "\(told)")
        for word in ["CodingKeys", "Swift", "Context", "debugDescription", "codingPath"] {
            #expect(!told.contains(word), "\(told)")
        }
    }
}
