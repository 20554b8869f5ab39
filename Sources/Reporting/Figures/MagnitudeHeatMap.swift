import Plotting
import TensorCore

/// |K| and |V| over token × channel as heat maps.
public enum MagnitudeHeatMap: Figure {
    public static let id = "magnitude-heatmap"
    public static let summary = "|K| and |V| over token × channel as a heat map"
    public static let tables = ["magnitude"]
    public static let parameters: [FigureParameter] = [.layer, .head, .tensor]

    public static func plot(_ input: FigureInput) throws -> Plot {
        let selected = try MagnitudeGrids(input)
        return try selected.fitting { try plot(input, selected, $0, columns: selected.columns) }
    }

    private static func plot(
        _ input: FigureInput,
        _ selected: MagnitudeGrids,
        _ grids: [MagnitudeGrid],
        columns: Int
    ) throws -> Plot {
        // Three panels side by side have no room for long titles.
        let isNarrow = columns == 3
        let scales = selected.sharedScales()
        let panels = try grids.map { grid in
            let tokens = Double(grid.tokens.lowerBound)...Double(grid.tokens.upperBound + 1)
            let channels = (Double(grid.channels.lowerBound) - 0.5)...(Double(grid.channels.upperBound) + 0.5)
            let byChannel = (0..<(grid.rows.first?.count ?? 0)).map { column in grid.rows.map { $0[column] } }
            let cells = try CellMark(
                rows: byChannel,
                x: tokens,
                y: channels,
                domain: scales[MagnitudeGrids.Group(grid)]
            )
            return try Panel(
                title: "\(Wording.capitalized(Wording.plural(grid.tensor))), layer \(grid.layer)"
                    + (isNarrow ? "" : ", head \(grid.head)"),
                x: Axis("Token", domain: tokens, integersOnly: true, showsGrid: false),
                y: Axis(
                    isNarrow ? "Channel of head \(grid.head)" : "Channel",
                    domain: channels,
                    integersOnly: true,
                    showsGrid: false
                ),
                marks: [cells],
                colorBar: ColorBar(
                    ramp: cells.ramp,
                    domain: cells.domain,
                    title: isNarrow ? "" : "\(Wording.magnitude(grid.tensor)) (unitless)"
                ),
                height: columns == 1 ? 340 : 230
            )
        }
        return try Plot(
            title: selected.title,
            subtitle: "Magnitude of each element\(isNarrow ? " (unitless)" : "") over tokens and channels"
                + selected.scaleNote("colour"),
            caption: input.caption(MagnitudeGrids.notes(grids, tokens: "column", channels: "row")),
            columns: columns,
            panels: panels
        )
    }
}
