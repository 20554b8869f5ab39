import Foundation
import TensorCore

/// The rows of a table as JSON that may stand in a page: one array a column.
enum TableData {
    /// Numbers have seven digits, more than are shown; missing values are null, NaN and the
    /// infinities are texts, and a column of text lists each different one once.
    static func json(_ table: Table) -> String {
        var text = "["
        for (index, column) in table.columns.enumerated() {
            if index > 0 { text += ",\n" }
            text += column.kind == .string ? strings(table, index) : numbers(table, index)
        }
        return text + "]"
    }

    private static func numbers(_ table: Table, _ index: Int) -> String {
        var parts: [String] = []
        parts.reserveCapacity(table.rows.count)
        for row in table.rows {
            switch row[index] {
            case .integer(let value): parts.append(String(value))
            case .number(let value): parts.append(number(value))
            case .missing, .string: parts.append("null")
            }
        }
        return "[" + parts.joined(separator: ",") + "]"
    }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"" }
        guard value != 0 else { return "0" }
        let full = value.description
        let isInteger = full.hasSuffix(".0")
        if full.utf8.count <= 9 { return isInteger ? String(full.dropLast(2)) : full }
        return String(format: "%.7g", value)
    }

    private static func strings(_ table: Table, _ index: Int) -> String {
        var places: [String: Int] = [:]
        var words: [String] = []
        var codes: [String] = []
        codes.reserveCapacity(table.rows.count)
        for row in table.rows {
            guard let word = row[index].string else {
                codes.append("-1")
                continue
            }
            if places[word] == nil {
                places[word] = words.count
                words.append(word)
            }
            codes.append(String(places[word] ?? -1))
        }
        let quoted = words.map { JSONValue.string($0).text.replacing("<", with: "\\u003c") }
        return "{\"words\":[" + quoted.joined(separator: ",") + "],\"codes\":[" + codes.joined(separator: ",") + "]}"
    }
}
