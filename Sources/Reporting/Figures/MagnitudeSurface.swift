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

    /// Vertices of a whole figure, so that it stays under 500 KB.
    private static let vertexBudget = 42_000

    public static func plot(_ input: FigureInput) throws -> Plot {
        let selected = try MagnitudeGrids(input)
        let columns = selected.tensors.count > 1 ? 2 : 1
        let channels = min(selected.grids.map { $0.channels.count }.max() ?? 1, 128)
        let bins = max(8, min(64, vertexBudget / (selected.grids.count * channels)))
        let grids = selected.grids.map { $0.reduced(bins: bins) }
        let panels = try grids.map { grid in
            try SurfacePanel(
                title: "\(Wording.capitalized(Wording.plural(grid.tensor))), layer \(grid.layer), head \(grid.head)",
                rows: padded(grid.rows),
                rowDirection: SurfacePanel.Direction(
                    "Token",
                    range: Double(
                        grid.tokens.lowerBound
                    )...Double(max(grid.tokens.upperBound, grid.tokens.lowerBound + 1))
                ),
                columnDirection: SurfacePanel.Direction(
                    "Channel",
                    range: Double(
                        grid.channels.lowerBound
                    )...Double(max(grid.channels.upperBound, grid.channels.lowerBound + 1))
                ),
                valueTitle: Wording.magnitude(grid.tensor),
                annotations: annotations(grid),
                height: columns == 2 ? 290 : 420
            )
        }
        return try Plot(
            title: selected.title,
            subtitle: "Magnitude of each element over tokens and channels"
                + (panels.count > 1 ? "; every panel has its own height scale" : ""),
            caption: [input.context.sentence, MagnitudeGrids.reduction(grids)]
                .filter { !$0.isEmpty }.joined(separator: " "),
            columns: columns,
            panels: panels
        )
    }

    /// A surface needs two lines each way: a single token or channel is shown as a ribbon.
    private static func padded(_ rows: [[Double]]) -> [[Double]] {
        let wide = rows.map { $0.count == 1 ? [$0[0], $0[0]] : $0 }
        return wide.count == 1 ? [wide[0], wide[0]] : wide
    }

    private static func annotations(_ grid: MagnitudeGrid) -> [SurfacePanel.Annotation] {
        guard let peak = grid.widest, peak.ratio >= 5 else { return [] }
        let column = (peak.channel - grid.channels.lowerBound) * (grid.rows.first?.count ?? 1) / grid.channels.count
        return [
            SurfacePanel.Annotation(
                row: peak.row,
                column: column,
                text: "channel \(peak.channel), \(Wording.times(peak.ratio)) the median"
            )
        ]
    }
}
