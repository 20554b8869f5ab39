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
            throw ReportingError.missingTable(
                figure: figureID,
                table: name,
                remedy: Self.source(of: name, for: figureID)
            )
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

    /// The selected layers, by default those given; in order.
    func layers(present: some Sequence<Int>, default fallback: ([Int]) -> [Int] = { $0 }) throws -> [Int] {
        let present = Set(present).sorted()
        return try chosen("layer", selection.layers, present: present, default: fallback(present)).sorted()
    }

    /// The selected tensors, by default those of the usual ones that are there, else all.
    func tensors(present: some Sequence<String>, usual: [String]) throws -> [String] {
        let present = unique(present)
        let there = usual.filter { present.contains($0) }
        return try chosen("tensor", selection.tensors, present: present, default: there.isEmpty ? present : there)
    }

    /// The selected head, which must be among those present; `nil` for all.
    func head(present: some Sequence<Int>) throws -> Int? {
        try chosen("head", selection.head.map { [$0] }, present: Set(present).sorted(), default: []).first
    }

    /// An error for a table without a row that the figure can show.
    func nothingToShow(in table: String, _ reason: String = "it has no complete row") -> ReportingError {
        .emptyTable(figure: figureID, table: table, reason: reason)
    }

    /// Names of all tables that there are, in order.
    var tableNames: [String] { tables.keys.sorted() }

    /// Sentences on the data, then notes, as one caption.
    func caption(_ notes: String...) -> String { caption(notes) }

    func caption(_ notes: [String]) -> String {
        ([context.sentence, context.assumption ?? "", nonfiniteSentence] + notes).filter { !$0.isEmpty }.joined(
            separator: " "
        )
    }

    /// What a reader must know of a capture that is not whole.
    private var nonfiniteSentence: String {
        guard let count = context.nonfinite ?? nonfiniteInTables, count > 0 else { return "" }
        let number = NumberText.short(Double(count), digits: 9)
        return "\(number) element\(count == 1 ? " is" : "s are") NaN or infinite and left out."
    }

    /// Of the captured tensors, from the first table of statistics that there is: each counts all elements.
    private var nonfiniteInTables: Int? {
        for name in ["statistics-layer", "statistics-head", "statistics-channel"] {
            guard let table = tables[name], let place = table.index(of: "nonfinite") else { continue }
            return table.rows.reduce(0) { $0 + max(0, $1[place].integer ?? 0) }
        }
        return nil
    }

    /// How a table comes about.
    private static func source(of table: String, for figure: String) -> String {
        if let analysis = structureAnalyses[table] {
            return "Make it with: kvatlas stats FILE.h5 --analyses \(analysis) --out RUN-FOLDER/tables\n"
                + "  or with a manifest that has '\(analysis)' under analyses.structure,\n"
                + "  or draw it from the capture: kvatlas plot FILE.h5 --figure \(figure)"
        }
        return switch table {
        case "magnitude":
            "The run's manifest must ask for this figure, or draw it from the capture: kvatlas plot FILE.h5 --figure …"
        case "statistics-channel", "statistics-token", "statistics-head", "statistics-layer":
            "Make it with: kvatlas stats FILE.h5 --by \(table.dropFirst("statistics-".count)) --out FILE.csv"
        case "errors", "errors-by-layer", "paper-table-2", "per-token-vs-per-channel":
            "Make it with: kvatlas run MANIFEST, where the manifest lists schemes under its analyses."
        case "quality", "quality-by-position":
            "Make it with: kvatlas run MANIFEST, where the manifest lists caches under analyses.quality."
        default: "Run 'kvatlas run MANIFEST' again, so that its tables are complete."
        }
    }

    /// The analysis of the structure study that makes a table.
    private static let structureAnalyses = [
        "distribution-quantiles": "quantiles", "transform-effects": "rotation", "outlier-definitions": "outliers",
        "outlier-channel-sets": "outliers", "outlier-stability": "outliers", "attention-sinks": "attention",
        "attention-profile": "attention", "locality": "locality", "spectrum": "spectrum",
        "spectrum-summary": "spectrum", "cross-layer": "layers", "code-entropy": "entropy", "tile-imbalance": "tiles",
    ]
}
