/// A soft band between two lines: ranges, ridges, areas under a curve.
public struct AreaMark: Mark {
    public let name = "area"
    public let series: String?
    public let symbol = LegendSymbol.swatch
    private let x: [Double]
    private let low: [Double]
    private let high: [Double]

    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(x: [Double], low: [Double], high: [Double], series: String? = nil) throws {
        self.x = x
        self.low = low
        self.high = high
        self.series = series
        try checkLengths([("x", .numbers(x)), ("low", .numbers(low)), ("high", .numbers(high))])
    }

    public var channels: [MarkChannel] {
        [
            MarkChannel("x", .x, .numbers(x)), MarkChannel("low", .y, .numbers(low)),
            MarkChannel("high", .y, .numbers(high)),
        ]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let indices = x.indices.filter { x[$0].isFinite && low[$0].isFinite && high[$0].isFinite }
        guard let first = indices.first else { return }
        func vertex(_ index: Int, _ value: Double) -> String {
            "\(NumberText.coordinate(frame.x(x[index]))) \(NumberText.coordinate(frame.y(value)))"
        }
        var path = "M" + vertex(first, high[first])
        for index in indices.dropFirst() { path += "L" + vertex(index, high[index]) }
        for index in indices.reversed() { path += "L" + vertex(index, low[index]) }
        writer.element("path", ["class": "area \(frame.fill(series))", "d": path + "z"])
    }
}
