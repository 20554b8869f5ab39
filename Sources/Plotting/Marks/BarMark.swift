/// Bars from a baseline; side by side when several bar marks share a band.
public struct BarMark: Mark {
    public let name = "bar"
    public let series: String?
    public let symbol = LegendSymbol.swatch
    private let x: Channel
    private let y: [Double]
    private let baseline: Double
    private let slot: (index: Int, count: Int)

    /// - Parameter slot: which of how many bars that share a band this one is.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(
        x: Channel,
        y: [Double],
        baseline: Double = 0,
        series: String? = nil,
        slot: (index: Int, count: Int) = (0, 1)
    ) throws {
        self.x = x
        self.y = y
        self.baseline = baseline
        self.series = series
        self.slot = slot
        try checkLengths([("x", x), ("y", .numbers(y))])
    }

    public var channels: [MarkChannel] {
        [MarkChannel("x", .x, x), MarkChannel("y", .y, .numbers(y)), MarkChannel("baseline", .y, .numbers([baseline]))]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let band = frame.x.unitLength * (frame.x.kind == .band ? 0.76 : 0.9)
        let width = max(band / Double(max(slot.count, 1)), 0.6)
        let zero = frame.y(baseline)
        var path = ""
        for index in y.indices {
            guard let point = frame.point(x, .numbers(y), index) else { continue }
            let left = point.x - band / 2 + width * Double(slot.index)
            path +=
                "M\(NumberText.coordinate(left)) \(NumberText.coordinate(zero))V\(NumberText.coordinate(point.y))"
                + "h\(NumberText.coordinate(width))V\(NumberText.coordinate(zero))z"
        }
        writer.element("path", ["class": "soft \(frame.fill(series))", "d": path])
    }
}
