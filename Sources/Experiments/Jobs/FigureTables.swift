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
    ///   - progress: receives the share done; what it throws stops the work.
    /// - Throws: `FigureTablesError` for a figure that needs an error study, what the studies throw.
    public static func make(
        for figure: any Figure.Type,
        of capture: CaptureFile,
        layer: Int?,
        head: Int?,
        tensors: [MagnitudeTensor]?,
        progress: (Double) throws -> Void
    ) throws -> (tables: [String: Table], context: FigureContext) {
        var tables: [String: Table] = [:]
        for name in figure.tables {
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
                for table in try StructureStudy.run(capture, settings: settings, progress: progress).tables {
                    tables[table.name] = table
                }
            }
        }
        let context = FigureContext(
            model: capture.metadata.name,
            text: capture.sequences.map(\.name).joined(separator: ", "),
            tokens: capture.tokenCount
        )
        return (tables, context)
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
