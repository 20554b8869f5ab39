/// A straight line across the panel; the label of a horizontal one stands outside the data, at the right.
public struct RuleMark: Mark {
    public let name = "rule"
    private let direction: MarkChannel.Direction
    private let value: Double
    private let label: String
    private let dash: String
    private let labelShift: Double

    /// A horizontal line.
    ///
    /// - Parameter labelShift: pixels that the label moves downwards, to keep clear of another line's.
    public init(y: Double, label: String = "", dash: String = "4 3", labelShift: Double = 0) throws {
        try self.init(.y, y, label, dash, labelShift)
    }

    /// A vertical line.
    public init(x: Double, label: String = "", dash: String = "4 3") throws {
        try self.init(.x, x, label, dash, 0)
    }

    private init(
        _ direction: MarkChannel.Direction,
        _ value: Double,
        _ label: String,
        _ dash: String,
        _ labelShift: Double
    ) throws {
        self.labelShift = labelShift
        self.direction = direction
        self.value = value
        self.label = label
        self.dash = dash
        guard value.isFinite else {
            throw PlotError.missingChannel(mark: name, channel: direction == .x ? "x" : "y")
        }
    }

    public var channels: [MarkChannel] {
        [MarkChannel(direction == .x ? "x" : "y", direction, .numbers([value]))]
    }

    public var trailingWidth: Double {
        direction == .y && !label.isEmpty ? TextMetrics.width(label, size: 11) + 4 : 0
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let area = frame.area
        let at = direction == .x ? frame.x(value) : frame.y(value)
        let position = NumberText.coordinate(at)
        let path =
            direction == .x
            ? "M\(position) \(NumberText.coordinate(area.y))V\(NumberText.coordinate(area.bottom))"
            : "M\(NumberText.coordinate(area.x)) \(position)H\(NumberText.coordinate(area.right))"
        writer.element("path", ["class": "rule", "stroke-dasharray": dash, "d": path])
        if direction == .x {
            let isLate = at > area.x + area.width * 0.7
            writer.label(
                label,
                x: isLate ? at - 4 : at + 4,
                y: area.y + 11,
                class: "tick halo",
                anchor: isLate ? .end : .start
            )
        } else {
            writer.label(label, x: area.right + 4, y: at + 4 + labelShift, class: "tick")
        }
    }
}
