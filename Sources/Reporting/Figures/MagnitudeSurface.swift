import Plotting
import TensorCore

/// |K| and |V| over token × channel as surfaces: the paper's Figure 2.
///
/// Source: Liu et al., "KIVI" (ICML 2024), Figure 2.
public enum MagnitudeSurface: Figure {
    public static let id = "magnitude-surface"
    public static let summary = "|K| and |V| over token × channel as a 3-D surface (KIVI's Figure 2)"
    public static let tables = ["magnitude"]
    public static let parameters: [FigureParameter] = [.layer, .head, .tensor]

    /// Ridges named in one panel, and the ratio to the median channel from which they are.
    private static let namesPerPanel = 3
    private static let namedFrom = 5.0

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
        let panels = try zip(selected.grids, grids).map { full, grid in
            try SurfacePanel(
                title: "\(Wording.capitalized(Wording.plural(grid.tensor))), layer \(grid.layer)"
                    + (isNarrow ? "" : ", head \(grid.head)"),
                rows: padded(grid.rows),
                rowDirection: SurfacePanel.Direction(
                    "Token",
                    range: Double(
                        grid.tokens.lowerBound
                    )...Double(max(grid.tokens.upperBound, grid.tokens.lowerBound + 1))
                ),
                columnDirection: SurfacePanel.Direction(
                    isNarrow ? "Channel, head \(grid.head)" : "Channel",
                    range: Double(
                        grid.channels.lowerBound
                    )...Double(max(grid.channels.upperBound, grid.channels.lowerBound + 1))
                ),
                valueTitle: "\(Wording.magnitude(grid.tensor)) (unitless)",
                valueRange: scales[MagnitudeGrids.Group(grid)],
                annotations: annotations(full.ridges, in: grid),
                height: [420, 290, 270][columns - 1]
            )
        }
        return try Plot(
            title: selected.title,
            subtitle: "Magnitude of each element over tokens and channels"
                + selected.scaleNote("height"),
            caption: input.caption(MagnitudeGrids.notes(grids, tokens: "line of the grid", channels: "line across")),
            columns: columns,
            panels: panels
        )
    }

    /// A surface needs two lines each way: a single token or channel is shown as a ribbon.
    private static func padded(_ rows: [[Double]]) -> [[Double]] {
        let wide = rows.map { $0.count == 1 ? [$0[0], $0[0]] : $0 }
        return wide.count == 1 ? [wide[0], wide[0]] : wide
    }

    /// - Parameter peaks: of the grid before it was reduced.
    private static func annotations(
        _ peaks: [MagnitudeGrid.Peak],
        in grid: MagnitudeGrid
    ) -> [SurfacePanel.Annotation] {
        peaks.prefix(namesPerPanel).filter { $0.ratio >= namedFrom }.enumerated().map { rank, peak in
            let place = grid.place(of: peak.channel)
            return SurfacePanel.Annotation(
                row: place.row,
                column: place.column,
                text: "channel \(peak.channel), \(Wording.times(peak.ratio))\(rank == 0 ? " the median" : "")"
            )
        }
    }
}
