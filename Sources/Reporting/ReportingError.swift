import TensorCore

/// A table that cannot be read or written, or a figure that its tables do not support.
public enum ReportingError: ActionableError, Equatable {
    /// A file that cannot be read, with the system's reason.
    case unreadable(file: String, reason: String)
    /// A file that cannot be written, with the system's reason.
    case unwritable(file: String, reason: String)
    /// A CSV or JSON file that breaks its grammar.
    case malformed(file: String, line: Int, column: String, problem: String, expected: String)
    /// A CSV without a column that its reader needs.
    case missingColumn(table: String, column: String, present: [String])
    /// A CSV with a column that its schema does not have.
    case unknownColumn(file: String, column: String, known: [String])
    /// A figure id that is not in the catalogue.
    case unknownFigure(id: String, known: [String])
    /// A figure whose table is not there.
    case missingTable(figure: String, table: String, remedy: String)
    /// A selection that matches no row.
    case nothingSelected(figure: String, what: String, value: String, present: [String])
    /// A table without rows that a figure can show.
    case emptyTable(figure: String, table: String, reason: String)
    /// A folder that is not a finished run.
    case notARun(directory: String)

    public var problem: String {
        switch self {
        case .unreadable(_, let reason): "cannot be read: \(reason)"
        case .unwritable(_, let reason): "cannot be written: \(reason)"
        case .malformed(_, _, _, let problem, _): problem
        case .missingColumn(_, let column, _): "there is no column '\(column)'"
        case .unknownColumn(_, let column, _): "unknown column '\(column)'"
        case .unknownFigure(let id, _): "there is no figure '\(id)'"
        case .missingTable(let figure, let table, _): "figure \(figure) needs table '\(table)', which is not there"
        case .nothingSelected(let figure, let what, let value, _): "figure \(figure) has no \(what) \(value)"
        case .emptyTable(let figure, let table, let reason):
            "figure \(figure) finds nothing to show in table '\(table)': \(reason)"
        case .notARun: "there are no tables to report on"
        }
    }

    public var location: String? {
        switch self {
        case .unreadable(let file, _), .unwritable(let file, _), .unknownColumn(let file, _, _): file
        case .malformed(let file, let line, let column, _, _):
            column.isEmpty ? "\(file):\(line)" : "\(file):\(line), column \(column)"
        case .missingColumn(let table, _, _): "table \(table)"
        case .notARun(let directory): directory
        default: nil
        }
    }

    public var expected: String? {
        switch self {
        case .malformed(_, _, _, _, let expected): expected.isEmpty ? nil : expected
        case .missingColumn(_, _, let present): "it has \(present.joined(separator: ", "))"
        case .unknownColumn(_, _, let known), .unknownFigure(_, let known):
            "one of \(known.joined(separator: ", "))"
        case .nothingSelected(_, let what, _, let present): Self.choices(what, present)
        case .notARun: "tables/*.csv, as 'kvatlas run' writes them"
        default: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .missingColumn(_, let column, let present): Self.suggestion(column, present)
        case .unknownColumn(_, let name, let known), .unknownFigure(let name, let known): Self.suggestion(name, known)
        // Of numbers the nearest by spelling is no help.
        case .nothingSelected(_, _, let value, let present):
            Int(value) == nil ? Self.suggestion(value, present) : nil
        case .missingTable(_, _, let remedy): remedy
        case .notARun: "Give the folder of a run, for example runs/NAME."
        default: nil
        }
    }

    /// `layers 0…29`, `tensor key, value`.
    private static func choices(_ what: String, _ present: [String]) -> String {
        let numbers = present.compactMap { Int($0) }
        guard numbers.count == present.count, numbers.count > 1 else {
            return "\(what) \(present.joined(separator: ", "))"
        }
        return "\(what)s \(Wording.ranges(numbers).replacing("–", with: "…"))"
    }

    private static func suggestion(_ name: String, _ known: [String]) -> String? {
        nearestName(to: name, in: known).map { "Did you mean '\($0)'?" }
    }
}
