/// The dashed line on which both axes have one value: what a quantile–quantile plot is read against.
public struct DiagonalMark: Mark {
    public let name = "diagonal"
    private let range: ClosedRange<Double>

    public init(_ range: ClosedRange<Double>) { self.range = range }

    public var channels: [MarkChannel] {
        let ends = Channel.numbers([range.lowerBound, range.upperBound])
        return [MarkChannel("x", .x, ends), MarkChannel("y", .y, ends)]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let ends = [range.lowerBound, range.upperBound].map {
            "\(NumberText.coordinate(frame.x($0))) \(NumberText.coordinate(frame.y($0)))"
        }
        writer.element("path", ["class": "rule", "stroke-dasharray": "4 3", "d": "M" + ends.joined(separator: "L")])
    }
}
