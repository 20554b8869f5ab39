/// Bars from a baseline, upright or lying; side by side when several bar marks share a band.
public struct BarMark: Mark {
    public let name = "bar"
    public let series: String?
    public let symbol = LegendSymbol.swatch
    private let places: Channel
    private let lengths: [Double]
    private let baseline: Double
    private let slot: (index: Int, count: Int)
    private let isLying: Bool

    /// Upright bars.
    ///
    /// - Parameter slot: which of how many bars that share a band this one is.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(
        x: Channel,
        y: [Double],
        baseline: Double = 0,
        series: String? = nil,
        slot: (index: Int, count: Int) = (0, 1)
    ) throws {
        places = x
        lengths = y
        self.baseline = baseline
        self.series = series
        self.slot = slot
        isLying = false
        try checkLengths([("x", x), ("y", .numbers(y))])
    }

    /// Lying bars: long names stand beside them.
    ///
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(y: Channel, x: [Double], baseline: Double = 0, series: String? = nil) throws {
        places = y
        lengths = x
        self.baseline = baseline
        self.series = series
        slot = (0, 1)
        isLying = true
        try checkLengths([("y", y), ("x", .numbers(x))])
    }

    public var channels: [MarkChannel] {
        let (across, along): (MarkChannel.Direction, MarkChannel.Direction) = isLying ? (.y, .x) : (.x, .y)
        return [
            MarkChannel(isLying ? "y" : "x", across, places),
            MarkChannel(isLying ? "x" : "y", along, .numbers(lengths)),
            MarkChannel("baseline", along, .numbers([baseline])),
        ]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let scale = isLying ? frame.y : frame.x
        let band = scale.unitLength * (scale.kind == .band ? 0.76 : 0.9)
        let width = max(band / Double(max(slot.count, 1)), 0.6)
        let zero = isLying ? frame.x(baseline) : frame.y(baseline)
        let (start, thickness) = (NumberText.coordinate(zero), NumberText.coordinate(width))
        var path = ""
        for index in lengths.indices {
            guard
                let point = isLying
                    ? frame.point(.numbers(lengths), places, index) : frame.point(places, .numbers(lengths), index)
            else { continue }
            let side = NumberText.coordinate((isLying ? point.y : point.x) - band / 2 + width * Double(slot.index))
            path +=
                isLying
                ? "M\(start) \(side)H\(NumberText.coordinate(point.x))v\(thickness)H\(start)z"
                : "M\(side) \(start)V\(NumberText.coordinate(point.y))h\(thickness)V\(start)z"
        }
        writer.element("path", ["class": "soft \(frame.fill(series))", "d": path])
    }
}
