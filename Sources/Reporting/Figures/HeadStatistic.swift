import TensorCore

/// One number for every head of every layer, from any table that has layers and heads.
struct HeadStatistic {
    struct Cell {
        let layer: Int
        let tensor: String
        let head: Int
        let value: Double
    }

    static let usual = ["range_to_median_channel", "excess_kurtosis"]
    static let usualTable = "statistics-head"
    private static let places: Set<String> = ["layer", "head"]

    let table: String
    let column: Table.Column
    /// In the order of the table's rows.
    let cells: [Cell]
    /// How a table with several rows a head came to one number, and which of its series it is; empty for one row a head.
    let note: String

    /// The chosen statistic: a column of `statistics-head`, of another table with layers and heads, or `TABLE.COLUMN`.
    ///
    /// - Throws: ``ReportingError`` naming the columns that there are, if the chosen one is none of them.
    init(_ input: FigureInput) throws {
        let (table, name) = try Self.source(input)
        self.table = table.name
        guard let place = table.index(of: name) else {
            throw input.nothingToShow(in: table.name, "it has no column \(name)")
        }
        column = table.columns[place]
        let hasTensor = table.index(of: "tensor") != nil
        // Of a transform, scheme or kind, the first: a mean over several would be of nothing.
        let series = table.columns.filter { $0.kind == .string && $0.name != "tensor" }.map { $0.name }
        func label(_ row: Table.RowView) -> [String] { series.map { row.string($0) ?? "" } }
        struct Key: Hashable {
            let layer: Int
            let tensor: String
            let head: Int
        }
        var order: [Key] = [], values: [Key: [Double]] = [:], chosen: [String]?
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let head = row.integer("head"), let value = row.number(name),
                value.isFinite, chosen == nil || series.isEmpty || label(row) == chosen
            else { continue }
            if chosen == nil { chosen = label(row) }
            // Tables of attention are of query heads.
            let key = Key(layer: layer, tensor: hasTensor ? row.string("tensor") ?? "" : "query", head: head)
            if values[key] == nil { order.append(key) }
            values[key, default: []].append(value)
        }
        let isLargest = name.contains("maximum")
        cells = order.map { key in
            let own = values[key] ?? []
            let value = isLargest ? own.max() ?? .nan : own.reduce(0, +) / Double(max(1, own.count))
            return Cell(layer: key.layer, tensor: key.tensor, head: key.head, value: value)
        }
        let most = values.values.map(\.count).max() ?? 1
        let labels = zip(series, chosen ?? []).filter { !$1.isEmpty }.map { "\($0) \($1)" }
        let reduction = "\(isLargest ? "Largest" : "Mean") of the \(most) rows of a head in table \(table.name)."
        note = (labels.isEmpty ? "" : "Of \(labels.joined(separator: ", ")). ") + (most > 1 ? reduction : "")
    }

    private static func statistics(_ table: Table) -> [String] {
        guard places.allSatisfy({ table.index(of: $0) != nil }) else { return [] }
        return table.columns.filter { $0.kind != .string && !places.contains($0.name) }.map { $0.name }
    }

    private static func source(_ input: FigureInput) throws -> (table: Table, column: String) {
        guard let asked = input.selection.statistic else {
            let table = try input.table(usualTable, columns: ["layer", "tensor", "head"])
            let present = statistics(table)
            guard let name = usual.first(where: { present.contains($0) }) ?? present.first else {
                throw input.nothingToShow(in: usualTable, "it has no statistic")
            }
            return (table, name)
        }
        let names = [usualTable] + input.tableNames.filter { $0 != usualTable }
        let tables = names.compactMap { input.optionalTable($0) }
        if let table = tables.first(where: { statistics($0).contains(asked) }) { return (table, asked) }
        for table in tables where asked.hasPrefix(table.name + ".") {
            let column = String(asked.dropFirst(table.name.count + 1))
            if statistics(table).contains(column) { return (table, column) }
        }
        let known = unique(tables.flatMap { statistics($0) })
        guard !known.isEmpty else { _ = try input.table(usualTable); throw input.nothingToShow(in: usualTable) }
        throw ReportingError.nothingSelected(
            figure: LayerHeadHeatMap.id,
            what: "statistic",
            value: asked,
            present: known
        )
    }
}
