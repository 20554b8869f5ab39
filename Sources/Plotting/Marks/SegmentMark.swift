/// Straight lines between pairs of points: the handles of a paired plot, ranges, arrows without heads.
public struct SegmentMark: Mark {
    public let name = "segment"
    public let series: String?
    private let x1: Channel
    private let y1: Channel
    private let x2: Channel
    private let y2: Channel

    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(x1: Channel, y1: Channel, x2: Channel, y2: Channel, series: String? = nil) throws {
        self.x1 = x1
        self.y1 = y1
        self.x2 = x2
        self.y2 = y2
        self.series = series
        try checkLengths([("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)])
    }

    public var channels: [MarkChannel] {
        [
            MarkChannel("x1", .x, x1), MarkChannel("y1", .y, y1), MarkChannel("x2", .x, x2),
            MarkChannel("y2", .y, y2),
        ]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        var path = ""
        for index in 0..<x1.count {
            guard let from = frame.point(x1, y1, index), let to = frame.point(x2, y2, index) else { continue }
            path +=
                "M\(NumberText.coordinate(from.x)) \(NumberText.coordinate(from.y))"
                + "L\(NumberText.coordinate(to.x)) \(NumberText.coordinate(to.y))"
        }
        let ink = series == nil ? "axis" : frame.stroke(series)
        writer.element("path", ["class": "thin \(ink)", "d": path])
    }
}
