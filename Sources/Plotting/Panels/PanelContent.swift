/// Anything that fills one cell of a plot's grid: a panel with two axes, or a surface.
public protocol PanelContent: Sendable {
    /// Height in pixels, with axes and title.
    var height: Double { get }
    /// Series in the order in which they appear.
    var legend: [(series: String, symbol: LegendSymbol)] { get }
    var ramps: Set<ColorRamp> { get }

    /// Room that axes and titles need in a cell of the given width.
    func insets(width: Double) -> Insets
    /// Draws into a cell; `insets` may be larger than asked for, so that panels line up.
    func draw(in cell: Rect, insets: Insets, context: PlotContext, to writer: inout SVGWriter)
}

/// What all panels of one figure share.
public struct PlotContext: Sendable {
    /// Prefix of all ids in the document.
    public let id: String
    /// Number of each series, the same in all panels.
    public let seriesIndex: [String: Int]
}
