/// Short level lines in the colour of the page, over filled shapes: medians of boxes.
public struct LevelMark: Mark {
    public let name = "level"
    private let x: Channel
    private let y: [Double]
    private let width: Double

    /// - Parameter width: share of one unit, or one band, of the horizontal axis.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(x: Channel, y: [Double], width: Double) throws {
        self.x = x
        self.y = y
        self.width = width
        try checkLengths([("x", x), ("y", .numbers(y))])
    }

    public var channels: [MarkChannel] { [MarkChannel("x", .x, x), MarkChannel("y", .y, .numbers(y))] }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let half = max(width * frame.x.unitLength, 2) / 2
        let path = y.indices.compactMap { frame.point(x, .numbers(y), $0) }.map { point in
            "M\(NumberText.coordinate(point.x - half)) \(NumberText.coordinate(point.y))"
                + "h\(NumberText.coordinate(2 * half))"
        }
        guard !path.isEmpty else { return }
        let style = "stroke:#ffffff;stroke:var(--plot-page);stroke-width:1.6px"
        writer.element("path", ["style": style, "d": path.joined()])
    }
}
