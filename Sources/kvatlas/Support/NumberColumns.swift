import Foundation
import TensorCore

/// Some columns of a table for people: numbers end below each other.
struct NumberColumns {
    let text: String

    init(_ table: Table, _ names: [String]) {
        let rows = table.rowViews.map { row in
            names.map { name in
                switch row[name] {
                case .string(let text): text
                case .integer(let value): "\(value)"
                case .number(let value): Self.text(value)
                case .missing: "-"
                }
            }
        }
        let all = [names] + rows
        let widths = names.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        text =
            TextColumns(
                all.map { row in
                    row.enumerated().map { column, cell in
                        column == 0 ? cell : String(repeating: " ", count: widths[column] - cell.count) + cell
                    }
                }
            ).text
    }

    private static func text(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e5) { return String(format: "%.2e", value) }
        return String(format: "%.4f", value)
    }
}
