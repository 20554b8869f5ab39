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

    /// `NAME.tex` for each table, and `all-tables.tex`, a whole document that inputs them.
    ///
    /// - Parameter names: tables of `content`; names that it does not have are left out.
    public static func files(_ content: ReportContent, names: [String]) -> [File] {
        let tables = names.compactMap { content.tables[$0] }
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
        return fragments + [File(name: "all-tables.tex", text: document(fragments))]
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
