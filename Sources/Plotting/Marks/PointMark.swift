/// A shape at each datum; data that are not finite are left out.
public struct PointMark: Mark {
    public let name = "point"
    public let series: String?
    public let symbol = LegendSymbol.point
    private let x: Channel
    private let y: Channel
    private let radius: Double

    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(x: Channel, y: Channel, series: String? = nil, radius: Double = 3.2) throws {
        self.x = x
        self.y = y
        self.series = series
        self.radius = radius
        try checkLengths([("x", x), ("y", y)])
    }

    public var channels: [MarkChannel] { [MarkChannel("x", .x, x), MarkChannel("y", .y, y)] }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        PointShape.draw(
            (0..<x.count).compactMap { frame.point(x, y, $0) },
            frame.shape(series),
            radius: radius,
            class: frame.fill(series),
            to: &writer
        )
    }
}

extension PointShape {
    /// All points of one shape as one path.
    static func draw(
        _ points: [(x: Double, y: Double)],
        _ shape: PointShape,
        radius: Double,
        class name: String,
        to writer: inout SVGWriter
    ) {
        guard !points.isEmpty else { return }
        writer.element("path", ["class": name, "d": points.map { shape.path(at: $0, radius: radius) }.joined()])
    }

    private func path(at center: (x: Double, y: Double), radius: Double) -> String {
        func text(_ value: Double) -> String { NumberText.coordinate(value) }
        let r = text(radius)
        let diameter = text(2 * radius)
        switch self {
        case .circle:
            return "M\(text(center.x - radius)) \(text(center.y))"
                + "a\(r) \(r) 0 1 0 \(diameter) 0a\(r) \(r) 0 1 0 -\(diameter) 0z"
        case .square:
            let half = radius * 0.9
            return "M\(text(center.x - half)) \(text(center.y - half))"
                + "h\(text(2 * half))v\(text(2 * half))h\(text(-2 * half))z"
        case .triangle:
            return "M\(text(center.x)) \(text(center.y - 1.15 * radius))"
                + "l\(text(1.1 * radius)) \(text(1.9 * radius))h\(text(-2.2 * radius))z"
        case .diamond:
            let reach = radius * 1.2
            return "M\(text(center.x)) \(text(center.y - reach))"
                + "l\(text(reach)) \(text(reach))l\(text(-reach)) \(text(reach))l\(text(-reach)) \(text(-reach))z"
        case .cross:
            let arm = radius * 0.42
            let reach = radius * 1.1 - arm
            return "M\(text(center.x - arm)) \(text(center.y - arm - reach))h\(text(2 * arm))v\(text(reach))"
                + "h\(text(reach))v\(text(2 * arm))h\(text(-reach))v\(text(reach))h\(text(-2 * arm))v\(text(-reach))"
                + "h\(text(-reach))v\(text(-2 * arm))h\(text(reach))z"
        }
    }
}
