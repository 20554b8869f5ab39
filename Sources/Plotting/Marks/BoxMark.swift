/// Upright boxes at positions, all of one shade of a ramp: one depth of letter-value plots, ranges.
public struct BoxMark: Mark {
    public let name = "box"
    private let x: Channel
    private let low: [Double]
    private let high: [Double]
    private let width: Double
    private let ramp: ColorRamp
    private let level: Int

    /// - Parameters:
    ///   - width: share of one unit, or one band, of the horizontal axis.
    ///   - level: shade, 0 to ``ColorRamp/levels`` − 1; clamped.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(
        x: Channel,
        low: [Double],
        high: [Double],
        width: Double,
        ramp: ColorRamp = .lagoon,
        level: Int
    ) throws {
        self.x = x
        self.low = low
        self.high = high
        self.width = width
        self.ramp = ramp
        self.level = min(max(level, 0), ColorRamp.levels - 1)
        try checkLengths([("x", x), ("low", .numbers(low)), ("high", .numbers(high))])
    }

    public var ramps: Set<ColorRamp> { [ramp] }

    public var channels: [MarkChannel] {
        [MarkChannel("x", .x, x), MarkChannel("low", .y, .numbers(low)), MarkChannel("high", .y, .numbers(high))]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let pixels = max(width * frame.x.unitLength, 0.6)
        var path = ""
        for index in low.indices {
            guard let bottom = frame.point(x, .numbers(low), index), let top = frame.point(x, .numbers(high), index)
            else { continue }
            path +=
                "M\(NumberText.coordinate(bottom.x - pixels / 2)) \(NumberText.coordinate(bottom.y))"
                + "V\(NumberText.coordinate(top.y))h\(NumberText.coordinate(pixels))V\(NumberText.coordinate(bottom.y))z"
        }
        guard !path.isEmpty else { return }
        // The ramp's class also strokes, which would make thin boxes too thick.
        writer.element("path", ["class": ramp.className(level), "style": "stroke-width:.3px", "d": path])
    }
}
