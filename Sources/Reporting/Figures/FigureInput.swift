import Plotting
import TensorCore

/// Tables, context and selection of one figure, with checked access.
public struct FigureInput: Sendable {
    public let context: FigureContext
    public let selection: FigureSelection
    let figureID: String
    private let tables: [String: Table]

    init(
        figure: any Figure.Type,
        tables: [String: Table],
        context: FigureContext,
        selection: FigureSelection
    ) {
        figureID = figure.id
        self.tables = tables
        self.context = context
        self.selection = selection
    }

    /// A table with the columns that the figure reads.
    ///
    /// - Throws: ``ReportingError`` naming the table and how to get it, or the column.
    func table(_ name: String, columns: [String] = []) throws -> Table {
        guard let table = tables[name] else {
            throw ReportingError.missingTable(figure: figureID, table: name, remedy: Self.source(of: name))
        }
        for column in columns where table.index(of: column) == nil {
            throw ReportingError.missingColumn(
                table: name,
                column: column,
                present: table.columns.map { $0.name }
            )
        }
        return table
    }

    /// A table that the figure can do without.
    func optionalTable(_ name: String) -> Table? { tables[name] }

    /// The selected values, each of which must be there, or the default.
    func chosen<Value: Hashable>(
        _ what: String,
        _ selected: [Value]?,
        present: [Value],
        default fallback: [Value]
    ) throws -> [Value] {
        guard let selected, !selected.isEmpty else { return fallback }
        for value in selected where !present.contains(value) {
            throw ReportingError.nothingSelected(
                figure: figureID,
                what: what,
                value: "\(value)",
                present: present.map { "\($0)" }
            )
        }
        return selected
    }

    /// How a table comes about.
    private static func source(of table: String) -> String {
        switch table {
        case "magnitude":
            "The run's manifest must ask for this figure, or draw it from the capture: kvatlas plot FILE.h5 --figure …"
        case "statistics-channel", "statistics-token", "statistics-head", "statistics-layer":
            "Make it with: kvatlas stats FILE.h5 --by \(table.dropFirst("statistics-".count)) --out FILE.csv"
        case "errors", "errors-by-layer", "paper-table-2", "per-token-vs-per-channel":
            "Make it with: kvatlas run MANIFEST, where the manifest lists schemes under its analyses."
        default: "Run 'kvatlas run MANIFEST' again, so that its tables are complete."
        }
    }
}
