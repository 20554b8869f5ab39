import Foundation
import Reporting
import TensorCore
import Testing

/// `pdflatex` of this machine, if it has one with booktabs and longtable.
private let latex: URL? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let found = folders.map { "\($0)/pdflatex" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    return found.map { URL(fileURLWithPath: $0) }
}()

struct LatexExportTests {
    private static let columns = [
        Table.Column("layer", .integer, "Layer."), Table.Column("piece", .string, "Text."),
        Table.Column("mean_error_of_all", .number, unit: "dB", "Error."),
        Table.Column("bits", .integer, unit: "bit", ""),
    ]
    /// Texts that LaTeX would take for something else, or that its fonts do not have.
    private static let pieces = [
        "[a]", "* b", "50 % & #1_x^2 ~ $", "{\\relax}", "<b>|\"'`", "Ġthe 中文 🙂", "naïve – ő ≥ 2×", "", "tab\there\u{1}",
    ]

    private static func table(_ rows: [[Table.Value]], columns: [Table.Column] = columns) -> Table {
        var table = Table(name: "errors", meaning: "Errors of 100 % & more", columns: columns)
        for row in rows { table.append(row) }
        return table
    }

    /// The fragment of a table in a run `a_study`.
    private static func fragment(_ table: Table, alterations: [Alteration] = []) throws -> String {
        let files = try files([table], alterations: alterations)
        return try #require(files.first).text
    }

    private static func files(_ tables: [Table], alterations: [Alteration] = []) throws -> [LatexExport.File] {
        let run = try RunFolder(.plain)
        for table in tables { try CSV.write(table, to: "\(run.path)/tables/\(table.name).csv") }
        try TableDocumentation.write(tables, to: "\(run.path)/tables/README.md")
        let content = try Report.build(runDirectory: run.path, alterations: alterations)
        return LatexExport.files(content, names: tables.map { $0.name })
    }

    private static func strange(rows: Int) -> Table {
        let values: [Table.Value] = [
            .number(1.5), .missing, .number(-0.003), .number(.nan), .number(.infinity), .number(-.infinity), .number(0),
        ]
        return table(
            (0..<rows).map { row in
                [
                    .integer(row - 3), .string(pieces[row % pieces.count]), values[row % values.count],
                    row % 5 == 0 ? .missing : .integer(row),
                ]
            }
        )
    }

    @Test func aTableHasRulesCaptionAndLabel() throws {
        let text = try Self.fragment(
            Self.table([
                [.integer(0), .string("a"), .number(0.5), .integer(2)],
                [.integer(1), .string("b"), .number(12.25), .integer(2)],
            ])
        )
        for part in [
            "\\toprule", "\\midrule", "\\bottomrule", "\\begin{tabular}{rlr}",
            "\\caption{Errors of 100 \\% \\& more. Model synthetic", "2048 tokens. In all rows: bits 2.}",
            "\\begin{tabular}[b]{@{}r@{}}mean\\\\error of\\\\all (dB)\\end{tabular}", "0 & a & 0.5 \\\\",
            "1 & b & 12.2 \\\\",
        ] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
        #expect(text.firstMatch(of: #/\\label\{tab:[A-Za-z0-9-]+-errors\}/#) != nil)
    }

    @Test(arguments: [
        ([12.75, 3.985, 0.79], ["12.75", "3.98", "0.79"]), ([1234.5, 2000.25], ["1234", "2000"]),
        ([0.5, 0.00012], ["0.5000", "0.0001"]), ([1e-9, 1], ["1.00$\\times10^{-9}$", "1.00$\\times10^{0}$"]),
        ([-0.25, 0.5], ["$-$0.250", "0.500"]), ([3, 4], ["3", "4"]),
        ([0.25, .nan, .infinity], ["0.250", "NaN", "$\\infty$"]),
    ])
    func numbersOfAColumnHaveTheSameDecimals(values: [Double], expected: [String]) throws {
        let columns = [Table.Column("place", .integer, ""), Table.Column("value", .number, "")]
        let rows = values.enumerated().map { [Table.Value.integer($0), .number($1)] }
        let text = try Self.fragment(Self.table(rows, columns: columns))
        for (place, number) in expected.enumerated() {
            #expect(text.contains("\n\(place) & \(number) \\\\\n"), "\(number) is not in\n\(text)")
        }
    }

    @Test func textsAreEscaped() throws {
        let text = try Self.fragment(Self.strange(rows: 9))
        for part in [
            "50 \\% \\& \\#1\\_x\\textasciicircum{}2 \\textasciitilde{} \\$", "\\{\\textbackslash{}relax\\}",
            "\\texttt{U+0120}the \\texttt{U+4E2D}\\texttt{U+6587} \\texttt{U+1F642}", "naïve -- ő $\\geq$ 2$\\times$",
            "{}[a]", "{}* b",
        ] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
        #expect(!text.contains("\u{1}"))
    }

    @Test func longTablesBreakOverPages() throws {
        #expect(try Self.fragment(Self.strange(rows: 40)).contains("\\begin{table}"))
        let text = try Self.fragment(Self.strange(rows: 41))
        #expect(text.contains("\\begin{longtable}{rlrr}") && text.contains("\\endhead"))
    }

    /// What tells rows apart may stand behind what was measured.
    @Test func eachPartTellsItsRowsApart() throws {
        let measured = (0..<30).map { Table.Column("number_\($0)", .number, "Measured.") }
        let columns =
            [Table.Column("metric", .string, "Metric.")] + measured
            + [Table.Column("bits", .integer, "Bits."), Table.Column("agree", .string, "Yes or no.")]
        let rows = [(2, "yes"), (4, "no"), (8, "no")].map { bits, agree in
            [Table.Value.string("error")] + (0..<30).map { .number(Double($0 * bits) + 0.25) }
                + [.integer(bits), .string(agree)]
        }
        // A second metric keeps the first column from the caption.
        let others = rows.map { [Table.Value.string("other")] + $0.dropFirst() }
        let text = try Self.fragment(Self.table(rows + others, columns: columns))
        let parts = text.components(separatedBy: "\\begin{table}").dropFirst()
        #expect(parts.count > 1)
        for part in parts {
            let lines = part.split(separator: "\n").filter { $0.hasPrefix("error &") }
            let bits = lines.map { $0.split(separator: "&")[1].trimmingCharacters(in: .whitespaces) }
            #expect(Set(bits) == ["2", "4", "8"])
        }
        #expect(parts.filter { $0.contains("agree") }.count == 1)
    }

    @Test func wideTablesComeInPartsThatEachSayWhatTheirRowsAre() throws {
        let names = [Table.Column("layer", .integer, ""), Table.Column("tensor", .string, "")]
        let numbers = (0..<30).map { Table.Column("measure_number_\($0)", .number, "") }
        let rows = (0..<3).map { row in
            [Table.Value.integer(row), .string("key")] + (0..<30).map { .number(Double(row * 30 + $0) + 0.5) }
        }
        var cells = rows
        cells[1][1] = .string("value")
        let text = try Self.fragment(Self.table(cells, columns: names + numbers))
        let parts = text.components(separatedBy: "\\begin{table}").dropFirst()
        #expect(parts.count > 1)
        for (index, part) in parts.enumerated() {
            #expect(part.contains("Part \(index + 1) of \(parts.count)."))
            #expect(part.contains("\nlayer & tensor & ") && part.contains("\n1 & value & "))
            #expect(part.contains(index == 0 ? "-errors}\n" : "-errors-\(index + 1)}\n"))
        }
        for number in 0..<30 { #expect(parts.filter { $0.contains("number \(number)\\end{tabular}") }.count == 1) }
    }

    @Test func editedTablesSaySo() throws {
        let changed = Alteration(file: "tables/errors.csv", kind: .changed)
        #expect(
            try Self.fragment(Self.strange(rows: 3), alterations: [changed])
                .contains("This table was changed after the run made it.}")
        )
    }

    @Test func tablesForPrintAreThoseThatCanBeRead() throws {
        let tables = ["errors": Self.strange(rows: 201), "a": Self.strange(rows: 200), "b": Self.strange(rows: 0)]
        let named = tables.mapValues { $0 }.reduce(into: [String: Table]()) { result, entry in
            var table = Table(name: entry.key, meaning: "", columns: Self.columns)
            for row in entry.value.rows { table.append(row) }
            result[entry.key] = table
        }
        #expect(LatexExport.defaultTables(named) == ["a"])
    }

    @Test(.enabled(if: latex != nil, "there is no pdflatex"), arguments: [1, 33, 90])
    func aLatexCompilerTakesIt(rows: Int) throws {
        let program = try #require(latex)
        let run = try RunFolder(.plain)
        let folder = "\(run.path)/latex"
        let content = try Report.build(runDirectory: run.path)
        let ours = LatexExport.files(content, names: LatexExport.defaultTables(content.tables))
        let strange = try Self.files([Self.strange(rows: rows)])
        for files in [ours, strange] {
            try LatexExport.write(files, to: folder)
            let process = Process()
            process.executableURL = program
            process.arguments = ["-interaction=nonstopmode", "-halt-on-error", "all-tables.tex"]
            process.currentDirectoryURL = URL(fileURLWithPath: folder)
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let log = (try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/all-tables.log"))) ?? Data()
            let text = String(decoding: log, as: UTF8.self)
            if text.contains("File `booktabs.sty' not found") {
                print("note: this LaTeX has no booktabs, so the tables were not compiled")
                return
            }
            #expect(process.terminationStatus == 0, "\(text.suffix(2000))")
            #expect(FileManager.default.fileExists(atPath: "\(folder)/all-tables.pdf"))
        }
    }
}
