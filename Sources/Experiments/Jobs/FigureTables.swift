import Capture
import Evaluation
import Inference
import Reporting
import Statistics
import TensorCore

/// The tables that a figure needs, computed from a capture for one drawing.
public enum FigureTables {
    /// - Parameters:
    ///   - layer: the layer to draw; `nil` leaves the choice to the study.
    ///   - statistic: a column of a table with layers and heads, or `TABLE.COLUMN`, for a figure that takes one.
    ///   - progress: receives the share done; what it throws stops the work.
    /// - Throws: `FigureTablesError` for a figure that needs an error study, what the studies throw.
    public static func make(
        for figure: any Figure.Type,
        of capture: CaptureFile,
        layer: Int?,
        head: Int?,
        tensors: [MagnitudeTensor]?,
        statistic: String? = nil,
        progress: (Double) throws -> Void
    ) throws -> (tables: [String: Table], context: FigureContext) {
        var tables: [String: Table] = [:]
        var nonfinite: Int?
        var assumption: String?
        for name in names(for: figure, statistic: statistic) {
            switch name {
            case "magnitude":
                var settings = MagnitudeStudySettings()
                settings.layers = layer.map { [$0] }
                settings.head = head
                if let tensors { settings.tensors = tensors }
                tables[name] = try MagnitudeStudy.run(capture, settings: settings, progress: progress)
            case "statistics-channel", "statistics-head":
                var settings = StatisticsStudySettings()
                settings.grains = [name == "statistics-head" ? .head : .channel]
                settings.layers = layer.map { [$0] }
                for table in try StatisticsStudy.run(capture, settings: settings, progress: progress) {
                    tables[table.name] = table
                }
            default:
                guard let analysis = StructureAnalysis.allCases.first(where: { $0.tables.contains(name) }) else {
                    throw FigureTablesError(figure: figure.id, table: name)
                }
                let settings = StructureStudySettings(
                    analyses: [analysis],
                    tensors: tensors?.compactMap { CapturedTensor(rawValue: $0.rawValue) },
                    layers: layer.map { [$0] }
                )
                let result = try StructureStudy.run(capture, settings: settings, progress: progress)
                for table in result.tables { tables[table.name] = table }
                nonfinite = result.nonfiniteElements
                if analysis == .attention, capture.metadata.attention == nil {
                    assumption = "Taken for granted, as the capture does not say: every layer sees all tokens."
                }
            }
        }
        let context = FigureContext(
            model: capture.metadata.name,
            text: capture.sequences.map(\.name).joined(separator: ", "),
            tokens: capture.tokenCount,
            nonfinite: nonfinite,
            assumption: assumption
        )
        return (tables, context)
    }

    /// The figure's tables or, for a statistic of another one, that.
    private static func names(for figure: any Figure.Type, statistic: String?) -> [String] {
        guard let statistic, figure.parameters.contains(.statistic) else { return figure.tables }
        return [headTable(of: statistic) ?? figure.tables[0]]
    }

    /// The table with layers and heads that has a statistic, named alone or as `TABLE.COLUMN`; of several the first.
    static func headTable(of statistic: String) -> String? {
        let ofHeads = StatisticCatalogue.statistics(for: .head).map { $0.id }
        if ofHeads.contains(statistic) || ofHeads.contains(where: { "statistics-head.\($0)" == statistic }) {
            return "statistics-head"
        }
        let tables = StructureTables.all.filter { $0.index(of: "layer") != nil && $0.index(of: "head") != nil }
        return tables.first { table in
            headStatistics(of: table).contains { $0 == statistic || "\(table.name).\($0)" == statistic }
        }?.name
    }

    /// Statistics of heads, with those of the structure study.
    static var headStatistics: [String] {
        let tables = StructureTables.all.filter { $0.index(of: "layer") != nil && $0.index(of: "head") != nil }
        var seen: Set<String> = []
        let all = StatisticCatalogue.statistics(for: .head).map { $0.id } + tables.flatMap { headStatistics(of: $0) }
        return all.filter { seen.insert($0).inserted }
    }

    private static func headStatistics(of table: Table) -> [String] {
        table.columns.filter { $0.kind == .number }.map { $0.name }
    }
}

/// A figure whose table a capture alone does not give.
public struct FigureTablesError: ActionableError {
    let figure: String
    let table: String

    public var problem: String {
        "the figure '\(figure)' is drawn from the table '\(table)', which a capture alone does not give"
    }
    public var expected: String? { "the folder of a finished run" }
    public var remedy: String? { "Run a manifest, then: kvatlas plot RUN-FOLDER --figure \(figure)." }
}
