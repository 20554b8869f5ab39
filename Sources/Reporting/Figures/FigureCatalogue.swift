import Plotting
import TensorCore

/// All figures, by id.
public enum FigureCatalogue {
    /// Figures of a capture, in the order in which a report shows them.
    public static let all: [any Figure.Type] = {
        let figures: [any Figure.Type] = [
            MagnitudeSurface.self, MagnitudeHeatMap.self, ChannelProfile.self, PerTokenVersusPerChannel.self,
            ErrorByLayer.self,
        ]
        precondition(Set(figures.map { $0.id }).count == figures.count, "two figures share an id")
        return figures
    }()

    /// Figures of the structure study, in the order of a report; a report has those whose tables are there.
    public static let structure: [any Figure.Type] = [
        LetterValues.self, MagnitudeDistribution.self, QuantileQuantile.self, LayerHeadHeatMap.self,
        OutlierDefinitions.self, OutlierConsistency.self, RotationEffect.self, AttentionSinks.self,
        AttentionProfile.self, Spectrum.self, Redundancy.self,
    ]

    /// Figures that a report has only if its manifest asks for them: of models with caches in use, and of many schemes.
    public static let onRequest: [any Figure.Type] = [
        QualityByCache.self, QualityAgainstBits.self, MemoryThroughput.self, ErrorAgainstBits.self,
    ]

    public static var ids: [String] { all.map { $0.id } }

    /// Every figure that can be drawn.
    public static let every = all + structure + onRequest

    /// Figures of the structure study that need no other tables than the given ones.
    public static func structureIDs(drawnFrom tables: Set<String>) -> [String] {
        structure.filter { tables.isSuperset(of: $0.tables) }.map { $0.id }
    }

    /// - Throws: ``ReportingError/unknownFigure(id:known:)`` with the nearest id.
    public static func figure(_ id: String) throws -> any Figure.Type {
        guard let figure = every.first(where: { $0.id == id }) else {
            throw ReportingError.unknownFigure(id: id, known: every.map { $0.id })
        }
        return figure
    }

    /// A figure as an SVG document.
    ///
    /// - Parameters:
    ///   - tables: by table name, as ``Report/tables(in:)`` reads them.
    ///   - documentID: prefix of the ids in the SVG; distinct for each figure of one page.
    /// - Throws: ``ReportingError`` for an unknown id, or when a table, column or selected row is not there.
    public static func figure(
        id: String,
        tables: [String: Table],
        context: FigureContext,
        selection: FigureSelection = FigureSelection(),
        documentID: String? = nil
    ) throws -> String {
        let type = try figure(id)
        let input = FigureInput(figure: type, tables: tables, context: context, selection: selection)
        for table in type.tables(for: selection) { _ = try input.table(table) }
        do {
            return try type.plot(input).svg(id: documentID ?? id)
        } catch let error as PlotError {
            let reason: String
            switch error {
            case .missingChannel, .nothingToDraw: reason = "no finite value in the part of it that is asked for"
            default: reason = error.description
            }
            throw ReportingError.emptyTable(figure: id, table: type.tables.first ?? id, reason: reason)
        }
    }
}
