/// Explains a colour ramp: a strip with ticks at the right of a panel.
public struct ColorBar: Sendable {
    public let ramp: ColorRamp
    public let domain: ClosedRange<Double>
    public let title: String
    private let isLogarithmic: Bool
    private let levels: ClosedRange<Int>
    private let ticks: [Tick]

    /// - Parameters:
    ///   - domain: values at the lower and the upper end; positive if logarithmic.
    ///   - levels: shades of the ramp that the domain is spread over.
    ///   - ticks: instead of those at nice numbers.
    public init(
        ramp: ColorRamp,
        domain: ClosedRange<Double>,
        title: String = "",
        isLogarithmic: Bool = false,
        levels: ClosedRange<Int> = 0...ColorRamp.levels - 1,
        ticks: [Tick]? = nil
    ) {
        self.ramp = ramp
        self.domain = domain
        self.title = title
        self.isLogarithmic = isLogarithmic
        self.levels = levels.clamped(to: 0...ColorRamp.levels - 1)
        self.ticks =
            ticks ?? (isLogarithmic ? Ticks.logarithmic(domain, count: 6) : Ticks.linear(domain, count: 5))
    }

    /// Pixels from the data to the end of the labels.
    var width: Double {
        26 + (ticks.map { TextMetrics.width($0.label, size: 11) }.max() ?? 0)
    }

    func draw(in strip: Rect, to writer: inout SVGWriter) {
        let step = strip.height / Double(levels.count)
        let place =
            "translate(\(NumberText.coordinate(strip.x + strip.width / 2)) \(NumberText.coordinate(strip.bottom)))"
        writer.begin("g", ["class": "cells", "transform": place])
        for (place, level) in levels.enumerated() {
            let from = NumberText.fixed(-step * Double(place), decimals: 2)
            let to = NumberText.fixed(-step * Double(place + 1) - (level == levels.upperBound ? 0 : 0.4), decimals: 2)
            writer.element(
                "path",
                [
                    "class": ramp.className(level), "style": "stroke-width:\(NumberText.coordinate(strip.width))px",
                    "d": "M0 \(from)V\(to)",
                ]
            )
        }
        writer.end()
        for tick in ticks {
            let fraction = domain.fraction(of: tick.value, isLogarithmic: isLogarithmic)
            let y = strip.bottom - fraction * strip.height
            writer.line(strip.right, y, strip.right + 3, y, class: "axis")
            writer.label(tick.label, x: strip.right + 6, y: y + 4, class: "tick")
        }
        writer.label(title, x: strip.right, y: strip.y - 7, class: "tick", anchor: .end)
    }
}
