/// A line through points in the order given; it breaks where a value is not finite.
public struct LineMark: Mark {
    /// How neighbours are joined.
    public enum Join: Sendable {
        case straight
        /// Level until half-way to the neighbour; for values that belong to whole numbers.
        case step
    }

    public let name = "line"
    public let series: String?
    public let symbol: LegendSymbol
    private let x: Channel
    private let y: Channel
    private let join: Join
    private let isThin: Bool
    private let covers: Int

    /// - Parameters:
    ///   - showsPoints: a shape at each datum; for few data.
    ///   - covers: lines before it that it lies on: it is dashed, so that they show in its gaps.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(
        x: [Double],
        y: [Double],
        series: String? = nil,
        join: Join = .straight,
        showsPoints: Bool = false,
        isThin: Bool = false,
        covers: Int = 0
    ) throws {
        self.x = .numbers(x)
        self.y = .numbers(y)
        self.series = series
        self.join = join
        self.isThin = isThin
        self.covers = covers
        symbol = showsPoints ? .lineWithPoints : .line
        try checkLengths([("x", self.x), ("y", self.y)])
    }

    public var channels: [MarkChannel] { [MarkChannel("x", .x, x), MarkChannel("y", .y, y)] }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        var path = ""
        var last: (x: Double, y: Double)?
        for index in 0..<x.count {
            guard let point = frame.point(x, y, index) else {
                last = nil
                continue
            }
            let (px, py) = (NumberText.coordinate(point.x), NumberText.coordinate(point.y))
            if let last, join == .step {
                path += "H\(NumberText.coordinate((last.x + point.x) / 2))V\(py)H\(px)"
            } else {
                path += "\(last == nil ? "M" : "L")\(px) \(py)"
            }
            last = point
        }
        let weight = isThin ? "thin" : "line"
        writer.element(
            "path",
            ["class": "\(weight) \(frame.stroke(series))", "stroke-dasharray": dash(frame), "d": path]
        )
        drawPoints(in: frame, to: &writer)
    }

    private func dash(_ frame: PanelFrame) -> String {
        covers == 0 ? frame.dash(series) : covers == 1 ? "9 9" : "3 15"
    }

    private func drawPoints(in frame: PanelFrame, to writer: inout SVGWriter) {
        guard symbol == .lineWithPoints else { return }
        PointShape.draw(
            (0..<x.count).compactMap { frame.point(x, y, $0) },
            frame.shape(series),
            radius: 2.6,
            class: frame.fill(series),
            to: &writer
        )
    }
}
