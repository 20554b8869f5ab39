import TensorCore

/// Each column of numbers of a table in one row, for a page that has no room for all of its rows.
struct TableSummary {
    static let names = ["finite", "missing or not finite", "least", "median", "mean", "largest"]

    struct Row {
        let column: String
        /// As ``TableSummary/names``.
        let values: [Table.Value]
    }

    let rows: [Row]

    /// - Complexity: O(rows · log rows) a column.
    init(_ table: Table) {
        // Layers, heads and channels count places: of them only measures are summed up.
        rows = table.columns.indices.filter { table.columns[$0].kind == .number }.map { place in
            let finite = table.rows.compactMap { $0[place].number }.filter(\.isFinite)
            let known: [Double?] = [
                finite.min(), finite.isEmpty ? nil : median(finite),
                finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count), finite.max(),
            ]
            return Row(
                column: table.columns[place].name,
                values: [.integer(finite.count), .integer(table.rows.count - finite.count)]
                    + known.map { $0.map { .number($0) } ?? .missing }
            )
        }
    }
}
