/// A typed result table: what every analysis returns and every figure reads.
///
/// Columns are named in snake_case as they appear in the CSV, and each says
/// its unit and meaning, so that a table can document itself.
public struct Table: Sendable, Equatable {
    /// What a column holds.
    public enum Kind: String, Sendable, Codable {
        case string, integer, number
    }

    /// Name, kind, unit and meaning of one column.
    public struct Column: Sendable, Equatable {
        public let name: String
        public let kind: Kind
        /// For example `bit`, `dB`, `token`; empty for a pure number or a name.
        public let unit: String
        public let meaning: String

        public init(_ name: String, _ kind: Kind, unit: String = "", _ meaning: String) {
            self.name = name
            self.kind = kind
            self.unit = unit
            self.meaning = meaning
        }
    }

    /// One cell.
    public enum Value: Sendable, Equatable {
        case string(String)
        case integer(Int)
        case number(Double)
        /// Not applicable to this row, or not measured; an empty field in CSV.
        case missing
    }

    /// Kebab-case, also the CSV's file name.
    public let name: String
    /// One sentence on what a row is.
    public let meaning: String
    public let columns: [Column]
    public private(set) var rows: [[Value]] = []
    private let indexOfColumn: [String: Int]

    /// - Precondition: column names are unique.
    public init(name: String, meaning: String, columns: [Column]) {
        self.name = name
        self.meaning = meaning
        self.columns = columns
        indexOfColumn = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1.name, $0) })
    }

    /// - Precondition: one value a column, of that column's kind or missing.
    public mutating func append(_ row: [Value]) {
        precondition(row.count == columns.count, "\(row.count) values for \(columns.count) columns of \(name)")
        for (value, column) in zip(row, columns) {
            switch (value, column.kind) {
            case (.missing, _), (.string, .string), (.integer, .integer), (.number, .number): break
            default: preconditionFailure("\(value) in column \(column.name) of kind \(column.kind.rawValue)")
            }
        }
        rows.append(row)
    }

    /// - Precondition: the same columns.
    public mutating func append(contentsOf other: Table) {
        precondition(other.columns == columns, "columns of \(other.name) differ from those of \(name)")
        rows.append(contentsOf: other.rows)
    }

    /// Place of a column, or `nil` if there is none of that name.
    public func index(of column: String) -> Int? { indexOfColumn[column] }

    /// - Precondition: the column exists.
    public subscript(row: Int, column: String) -> Value {
        guard let index = indexOfColumn[column] else { preconditionFailure("no column \(column) in \(name)") }
        return rows[row][index]
    }

    /// The rows for which `isIncluded` holds, in order.
    public func filter(_ isIncluded: (RowView) throws -> Bool) rethrows -> Table {
        var result = Table(name: name, meaning: meaning, columns: columns)
        result.rows = try rows.indices.filter { try isIncluded(RowView(table: self, row: $0)) }.map { rows[$0] }
        return result
    }

    /// Rows in the order of a column of numbers, those without one last; rows that are equal in it stay in order.
    /// - Precondition: the column exists.
    public func sorted(by column: String) -> Table {
        guard let index = indexOfColumn[column] else { preconditionFailure("no column \(column) in \(name)") }
        func key(_ row: Int) -> Double {
            switch rows[row][index] {
            case .number(let value): value.isNaN ? .infinity : value
            case .integer(let value): Double(value)
            default: .infinity
            }
        }
        var result = Table(name: name, meaning: meaning, columns: columns)
        result.rows = rows.indices.sorted { (key($0), $0) < (key($1), $1) }.map { rows[$0] }
        return result
    }

    /// Rows as views that are read by column name.
    ///
    /// An array: chained closures over a lazy sequence of these crash the 6.3 compiler at -O.
    public var rowViews: [RowView] { rows.indices.map { RowView(table: self, row: $0) } }

    /// One row, read by column name.
    public struct RowView: Sendable {
        let table: Table
        let row: Int

        public subscript(column: String) -> Value { table[row, column] }
        /// The text of a string cell, else `nil`.
        public func string(_ column: String) -> String? { table[row, column].string }
        /// The value of an integer cell, else `nil`.
        public func integer(_ column: String) -> Int? { table[row, column].integer }
        /// The value of a number or integer cell, else `nil`.
        public func number(_ column: String) -> Double? { table[row, column].number }
    }
}

extension Table.Value {
    /// The text of a string cell, else `nil`.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The value of an integer cell, else `nil`.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    /// The value of a number or integer cell, else `nil`.
    public var number: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
}
