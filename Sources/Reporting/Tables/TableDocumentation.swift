import Foundation
import TensorCore

/// What a table and its columns mean, as it stands in `tables/README.md` beside the CSV files.
public struct TableDocumentation: Sendable, Equatable {
    public let name: String
    public let meaning: String
    public let columns: [Table.Column]

    public init(_ table: Table) {
        self.init(name: table.name, meaning: table.meaning, columns: table.columns)
    }

    init(name: String, meaning: String, columns: [Table.Column]) {
        self.name = name
        self.meaning = meaning
        self.columns = columns
    }

    /// Writes the documentation of all tables of a folder.
    ///
    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(_ tables: [Table], to path: String) throws {
        var text = """
            # Tables

            One CSV file a table: a header, then one row a line. Numbers are in shortest round-trip form;
            an empty field is a value that does not apply or was not measured. All ids count from 0.

            """
        for table in tables.sorted(by: { $0.name < $1.name }) {
            let meaning = table.meaning.isEmpty ? "" : cell(table.meaning) + "\n\n"
            text +=
                "\n## \(table.name)\n\n\(meaning)| column | kind | unit | meaning |\n|---|---|---|---|\n"
            for column in table.columns {
                text +=
                    "| \(column.name) | \(column.kind.rawValue) | \(cell(column.unit)) | \(cell(column.meaning)) |\n"
            }
        }
        try TextFile.write(text, to: path)
    }

    /// Reads what ``write(_:to:)`` wrote; lines that it would not have written are skipped.
    ///
    /// - Throws: ``ReportingError/unreadable(file:reason:)``.
    public static func read(_ path: String) throws -> [String: TableDocumentation] {
        var result: [String: TableDocumentation] = [:]
        for section in try TextFile.read(path).components(separatedBy: "\n## ").dropFirst() {
            let lines = section.split(separator: "\n", omittingEmptySubsequences: true).map { String($0) }
            guard let name = lines.first else { continue }
            let meaning = lines.dropFirst().first { !$0.hasPrefix("|") } ?? ""
            var columns: [Table.Column] = []
            for line in lines where line.hasPrefix("| ") && !line.hasPrefix("| column |") {
                let parts = cells(line)
                guard parts.count == 4, let kind = Table.Kind(rawValue: parts[1]) else { continue }
                columns.append(Table.Column(parts[0], kind, unit: parts[2], parts[3]))
            }
            result[name] = TableDocumentation(
                name: name,
                meaning: meaning.replacingOccurrences(of: "\\|", with: "|"),
                columns: columns
            )
        }
        return result
    }

    private static func cell(_ text: String) -> String {
        text.replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "\n", with: " ")
    }

    /// Cells of a table line; `\|` is a bar inside one.
    private static func cells(_ line: String) -> [String] {
        var result: [String] = []
        var current = ""
        var isEscaped = false
        for letter in line.dropFirst() {
            if letter == "|" && !isEscaped {
                result.append(current.trimmingCharacters(in: .whitespaces))
                current = ""
            } else if letter == "|" {
                current.removeLast()
                current.append(letter)
            } else {
                current.append(letter)
            }
            isEscaped = letter == "\\"
        }
        return result
    }
}
