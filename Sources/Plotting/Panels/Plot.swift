/// A figure: title, legend, a grid of panels and a caption, as SVG.
public struct Plot: Sendable {
    public let title: String
    public let subtitle: String
    public let caption: String
    public let panels: [any PanelContent]
    public let columns: Int
    public let width: Double
    /// Widths of the columns, to each other.
    let columnWeights: [Double]

    /// - Parameters:
    ///   - title: what is seen, not what is drawn.
    ///   - caption: model, data and definitions, under the panels.
    ///   - columns: panels side by side.
    ///   - columnWeights: their widths to each other, one a column; equal without.
    ///   - width: in pixels; text sizes assume 800.
    /// - Throws: ``PlotError/noPanels``.
    public init(
        title: String,
        subtitle: String = "",
        caption: String = "",
        columns: Int = 1,
        columnWeights: [Double] = [],
        width: Double = 800,
        panels: [any PanelContent]
    ) throws {
        guard !panels.isEmpty else { throw PlotError.noPanels }
        self.title = title
        self.subtitle = subtitle
        self.caption = caption
        self.panels = panels
        self.columns = max(1, min(columns, panels.count))
        self.width = width
        let isComplete = columnWeights.count == self.columns && columnWeights.allSatisfy { $0 > 0 }
        self.columnWeights = isComplete ? columnWeights : [Double](repeating: 1, count: self.columns)
    }
}
