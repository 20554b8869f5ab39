/// A panel with two axes and marks in layers, the first at the back.
public struct Panel: PanelContent {
    public let title: String
    public let height: Double
    let xAxis: Axis
    let yAxis: Axis
    let marks: [any Mark]
    let colorBar: ColorBar?
    let xScale: PositionScale
    let yScale: PositionScale

    /// - Parameters:
    ///   - colorBar: explains the colours of a ``CellMark``, at the right of the data.
    ///   - height: in pixels, with axes and title.
    /// - Throws: ``PlotError`` if a mark does not suit its axes or there is nothing finite to draw.
    public init(
        title: String = "",
        x: Axis,
        y: Axis,
        marks: [any Mark],
        colorBar: ColorBar? = nil,
        height: Double = 240
    ) throws {
        self.title = title
        self.height = height
        self.colorBar = colorBar
        xAxis = x
        yAxis = y
        self.marks = marks
        xScale = try Self.scale(x, .x, marks, panel: title)
        yScale = try Self.scale(y, .y, marks, panel: title)
    }

    public var legend: [(series: String, symbol: LegendSymbol)] {
        marks.compactMap { mark in mark.series.map { ($0, mark.symbol) } }
    }

    public var ramps: Set<ColorRamp> {
        marks.reduce(into: colorBar.map { [$0.ramp] } ?? []) { $0.formUnion($1.ramps) }
    }

    /// Learns one scale from all marks, and checks that their values suit it.
    private static func scale(
        _ axis: Axis,
        _ direction: MarkChannel.Direction,
        _ marks: [any Mark],
        panel: String
    ) throws -> PositionScale {
        var numbers: [Double] = []
        var names: [String] = []
        for mark in marks {
            for channel in mark.channels where channel.direction == direction {
                switch channel.values {
                case .names(let values):
                    guard axis.kind == .band else {
                        throw PlotError.wrongKind(mark: mark.name, channel: channel.name, expected: "numbers")
                    }
                    names += values
                case .numbers(let values):
                    if axis.kind == .logarithmic, let bad = values.firstIndex(where: { $0.isFinite && $0 <= 0 }) {
                        throw PlotError.notPositive(
                            mark: mark.name,
                            channel: channel.name,
                            index: bad,
                            value: values[bad]
                        )
                    }
                    numbers += values
                }
            }
        }
        guard axis.kind == .band ? !names.isEmpty : numbers.contains(where: \.isFinite) else {
            throw PlotError.nothingToDraw(panel: panel)
        }
        return PositionScale(axis: axis, numbers: numbers, names: names)
    }
}
