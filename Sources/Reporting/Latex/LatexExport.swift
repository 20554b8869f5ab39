import Foundation
import TensorCore

/// The tables of a run as LaTeX fragments, and a document that shows them all.
public enum LatexExport {
    /// Tables of more rows are left out unless they are asked for by name.
    public static let rowLimit = 200

    /// A file of the export; `name` is relative to its folder.
    public struct File: Sendable, Equatable {
        public let name: String
        public let text: String
    }

    /// The tables that are written when none is named, in order: those short enough to be read in print.
    public static func defaultTables(_ tables: [String: Table]) -> [String] {
        tables.values.filter { !$0.rows.isEmpty && $0.rows.count <= rowLimit }.map { $0.name }.sorted()
    }

    /// Tables that the export makes of the run's: shown first, and by default.
    public static func madeTables(_ tables: [String: Table]) -> [Table] {
        StructureOverview.table(tables).map { [$0] } ?? []
    }

    /// `NAME.tex` for each table, `findings.tex` with the run's findings as a list, and `all-tables.tex`, a whole
    /// document that inputs them.
    ///
    /// - Parameter names: tables of `content` or of ``madeTables(_:)``; names that neither has are left out.
    public static func files(_ content: ReportContent, names: [String]) -> [File] {
        let made = madeTables(content.tables)
        let tables = names.compactMap { name in content.tables[name] ?? made.first { $0.name == name } }
        let fragments = tables.map { table in
            File(
                name: "\(table.name).tex",
                text: LatexTable(
                    table: table,
                    context: content.context,
                    runName: content.name,
                    alteration: content.alterations.first { $0.file == "tables/\(table.name).csv" }
                ).text
            )
        }
        let findings = findings(content).map { [File(name: "findings.tex", text: $0)] } ?? []
        return fragments + findings + [File(name: "all-tables.tex", text: document(findings + fragments))]
    }

    /// Verdicts and findings of the structure study as a list; `nil` without any.
    private static func findings(_ content: ReportContent) -> String? {
        let items =
            content.verdicts.map { ("\($0.claim) (\($0.outcome.rawValue))", $0.sentence) }
            + StructureFinding.all(content.tables).map { ($0.topic, $0.sentence) }
        guard !items.isEmpty else { return nil }
        let warning = content.alterations.map { "\\item[Altered] \(LatexText.escaped($0.sentence)).\n" }.joined()
        return "% Made by 'kvatlas export latex' from the run's tables.\n\\begin{description}\n" + warning
            + items.map { "\\item[\(LatexText.escaped($0))] \(LatexText.escaped($1))\n" }.joined()
            + "\\end{description}\n"
    }

    /// Writes files into a folder, which is made; each appears whole or not at all.
    ///
    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(_ files: [File], to directory: String) throws {
        for file in files {
            try TextFile.write(file.text, to: URL(fileURLWithPath: directory).appendingPathComponent(file.name).path)
        }
    }

    private static func document(_ fragments: [File]) -> String {
        """
        % All tables of the run; compile it here to look at them.
        \\documentclass[a4paper]{article}
        \\usepackage[T1]{fontenc}
        \\usepackage[utf8]{inputenc}
        \\usepackage[margin=2.2cm]{geometry}
        \\usepackage{textcomp,booktabs,graphicx,longtable}
        \\begin{document}

        """ + fragments.map { "\\input{\($0.name)}\n\\clearpage\n" }.joined() + "\\end{document}\n"
    }
}
