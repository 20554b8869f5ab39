import Foundation
import TensorCore

/// Tables as CSV files: a header, one line a row, quoting as in RFC 4180.
///
/// Lines end in a line feed, as pandas writes them; a reader here accepts CRLF
/// too. Numbers are written in the shortest form that reads back to the same
/// bits, with `nan`, `inf` and `-inf`. A missing value is an empty field, an
/// empty text is `""`.
public enum CSV {
    /// The text of a table.
    public static func text(of table: Table) -> String {
        var text = table.columns.map { quoted($0.name) }.joined(separator: ",") + "\n"
        for row in table.rows {
            var isFirst = true
            for value in row {
                if !isFirst { text += "," }
                isFirst = false
                switch value {
                case .string(let string): text += quoted(string)
                case .integer(let integer): text += String(integer)
                case .number(let number): text += number.description
                case .missing: break
                }
            }
            text += "\n"
        }
        return text
    }

    /// Writes a table so that a reader sees the old file or the whole new one; folders are made.
    ///
    /// An existing file of that name is replaced.
    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(_ table: Table, to path: String) throws {
        try TextFile.write(text(of: table), to: path)
    }

    /// Reads a file whose columns are known.
    ///
    /// Columns may stand in any order; the result has the order of `schema`.
    /// - Parameter schema: a table with the wanted name and columns; its rows are ignored.
    /// - Throws: ``ReportingError`` with file, line and column.
    public static func read(_ path: String, like schema: Table) throws -> Table {
        var records = try CSVParser(file: path, text: TextFile.read(path)).records()
        let header = records.isEmpty ? [] : records.removeFirst().fields.map { $0.text }
        let known = schema.columns.map { $0.name }
        for name in header where !known.contains(name) {
            throw ReportingError.unknownColumn(file: path, column: name, known: known)
        }
        let places = try known.map { name in
            guard let place = header.firstIndex(of: name) else {
                throw ReportingError.malformed(
                    file: path,
                    line: 1,
                    column: "",
                    problem: "there is no column '\(name)'",
                    expected: known.joined(separator: ",")
                )
            }
            return place
        }
        var table = Table(name: schema.name, meaning: schema.meaning, columns: schema.columns)
        for record in records {
            table.append(
                try zip(schema.columns, places).map { column, place in
                    try value(of: record.fields[place], column: column, file: path, line: record.line)
                }
            )
        }
        return table
    }

    /// Reads a file whose columns are not known: a column whose fields are all
    /// integers is one, likewise numbers; everything else is text.
    ///
    /// - Parameter documentation: units, meanings and kinds by column, used where they fit.
    /// - Throws: ``ReportingError`` with file, line and column.
    public static func read(_ path: String, documentation: TableDocumentation? = nil) throws -> Table {
        var records = try CSVParser(file: path, text: TextFile.read(path)).records()
        guard !records.isEmpty else {
            throw ReportingError.malformed(
                file: path,
                line: 1,
                column: "",
                problem: "the file is empty",
                expected: "a header with column names"
            )
        }
        let header = records.removeFirst().fields.map { $0.text }
        for (index, name) in header.enumerated() where header.firstIndex(of: name) != index {
            throw ReportingError.malformed(
                file: path,
                line: 1,
                column: name,
                problem: "the column appears twice",
                expected: ""
            )
        }
        let columns = header.enumerated().map { index, name in
            let documented = documentation?.columns.first { $0.name == name }
            let kind = inferredKind(records.lazy.map { $0.fields[index] })
            let isEmpty = records.allSatisfy { $0.fields[index].isMissing }
            let fits = documented.map {
                isEmpty || $0.kind == kind || $0.kind == .string || ($0.kind == .number && kind == .integer)
            }
            return Table.Column(
                name,
                fits == true ? documented?.kind ?? kind : kind,
                unit: documented?.unit ?? "",
                documented?.meaning ?? ""
            )
        }
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        var table = Table(name: name, meaning: documentation?.meaning ?? "", columns: columns)
        for record in records {
            table.append(
                try zip(columns, record.fields).map { try value(of: $1, column: $0, file: path, line: record.line) }
            )
        }
        return table
    }

    private static func inferredKind(_ fields: some Sequence<CSVParser.Field>) -> Table.Kind {
        var kind = Table.Kind.integer
        var hasValue = false
        for field in fields where !field.isMissing {
            hasValue = true
            if kind == .integer, Int(field.text) == nil { kind = .number }
            if kind == .number, Double(field.text) == nil { return .string }
        }
        return hasValue ? kind : .string
    }

    private static func value(
        of field: CSVParser.Field,
        column: Table.Column,
        file: String,
        line: Int
    ) throws -> Table.Value {
        if field.isMissing { return .missing }
        switch column.kind {
        case .string: return .string(field.text)
        case .integer: if let integer = Int(field.text) { return .integer(integer) }
        case .number: if let number = Double(field.text) { return .number(number) }
        }
        throw ReportingError.malformed(
            file: file,
            line: line,
            column: column.name,
            problem: "'\(field.text.prefix(40))' is not valid here",
            expected: column.kind == .integer ? "an integer" : "a number"
        )
    }

    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
