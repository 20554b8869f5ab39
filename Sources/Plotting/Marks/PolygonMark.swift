/// A filled outline.
public struct PolygonMark: Mark {
    public let name = "polygon"
    public let series: String?
    public let symbol = LegendSymbol.swatch
    private let x: [Double]
    private let y: [Double]

    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(x: [Double], y: [Double], series: String? = nil) throws {
        self.x = x
        self.y = y
        self.series = series
        try checkLengths([("x", .numbers(x)), ("y", .numbers(y))])
    }

    public var channels: [MarkChannel] { [MarkChannel("x", .x, .numbers(x)), MarkChannel("y", .y, .numbers(y))] }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let vertices = x.indices.compactMap { frame.point(.numbers(x), .numbers(y), $0) }.map {
            "\(NumberText.coordinate($0.x)) \(NumberText.coordinate($0.y))"
        }
        guard vertices.count > 2 else { return }
        writer.element(
            "path",
            ["class": "soft \(frame.fill(series))", "d": "M" + vertices.joined(separator: "L") + "z"]
        )
    }
}
