extension Panel {
    private static let tickSize = 11.0

    public func insets(width: Double) -> Insets {
        let labels = yTicks(height: height - 60).map { TextMetrics.width($0.label, size: Self.tickSize) }
        let widest = min(labels.max() ?? 0, width * 0.35)
        return Insets(
            top: title.isEmpty ? 10 : 26,
            left: widest + 10 + (yAxis.title.isEmpty ? 0 : 18),
            bottom: 20 + (xAxis.title.isEmpty ? 0 : 17),
            right: colorBar.map { $0.width + 12 } ?? max(12, marks.map(\.trailingWidth).max() ?? 0)
        )
    }

    public func draw(in cell: Rect, insets: Insets, context: PlotContext, to writer: inout SVGWriter) {
        let area = cell.inset(insets)
        let frame = PanelFrame(
            area: area,
            x: xScale.ranged(from: area.x, to: area.right),
            y: yScale.ranged(from: area.bottom, to: area.y),
            seriesIndex: context.seriesIndex
        )
        // The title of the colour bar ends above its strip.
        let barTitle = colorBar.map { TextMetrics.width($0.title, size: Self.tickSize) } ?? 0
        let titleWidth = barTitle == 0 ? cell.right - area.x : area.right + 20 - barTitle - 8 - area.x
        writer.label(
            TextMetrics.fitted(title, size: 12.5, isBold: true, limit: titleWidth),
            x: area.x,
            y: cell.y + 15,
            class: "panel"
        )
        drawXAxis(frame, bottom: area.bottom, to: &writer)
        drawYAxis(frame, cell: cell, to: &writer)
        for mark in marks { mark.draw(in: frame, to: &writer) }
        colorBar?.draw(in: Rect(x: area.right + 10, y: area.y, width: 10, height: area.height), to: &writer)
    }

    private func drawXAxis(_ frame: PanelFrame, bottom: Double, to writer: inout SVGWriter) {
        let area = frame.area
        let ticks = Self.spaced(frame.x, axis: xAxis, area: area)
        if xAxis.showsGrid, xAxis.kind != .band {
            let grid = ticks.map { Self.vertical(frame.x($0.value), area.y, bottom) }.joined()
            writer.element("path", ["class": "grid", "d": grid])
        }
        let baseline =
            "M\(NumberText.coordinate(area.x)) \(NumberText.coordinate(bottom))"
            + "H\(NumberText.coordinate(area.right))"
        let notches =
            xAxis.kind == .band ? "" : ticks.map { Self.vertical(frame.x($0.value), bottom, bottom + 4) }.joined()
        writer.element("path", ["class": "axis", "d": baseline + notches])
        for tick in ticks {
            let limit = xAxis.kind == .band ? frame.x.unitLength * Self.bandStride(frame.x) - 4 : .infinity
            writer.label(
                TextMetrics.fitted(tick.label, size: Self.tickSize, limit: limit),
                x: frame.x(tick.value),
                y: bottom + 15,
                class: "tick",
                anchor: .middle
            )
        }
        writer.label(
            TextMetrics.fitted(xAxis.title, size: 12, limit: area.width + 40),
            x: area.x + area.width / 2,
            y: bottom + 32,
            class: "axis-title",
            anchor: .middle
        )
    }

    private func drawYAxis(_ frame: PanelFrame, cell: Rect, to writer: inout SVGWriter) {
        let area = frame.area
        let ticks = yTicks(height: area.height).filter { tick in
            // Near zero, such an axis crowds its powers of ten.
            yAxis.kind != .symmetricLogarithmic || tick.value == 0 || abs(frame.y(tick.value) - frame.y(0)) >= 12
        }
        if yAxis.showsGrid, yAxis.kind != .band {
            let grid = ticks.map {
                "M\(NumberText.coordinate(area.x)) \(NumberText.coordinate(frame.y($0.value)))"
                    + "H\(NumberText.coordinate(area.right))"
            }.joined()
            writer.element("path", ["class": "grid", "d": grid])
        }
        writer.element("path", ["class": "axis", "d": Self.vertical(area.x, area.y, area.bottom)])
        let limit = area.x - cell.x - 8 - (yAxis.title.isEmpty ? 0 : 18)
        for tick in ticks {
            writer.label(
                TextMetrics.fitted(tick.label, size: Self.tickSize, limit: max(limit, 20)),
                x: area.x - 6,
                y: frame.y(tick.value) + 4,
                class: "tick",
                anchor: .end
            )
        }
        // Where another panel of the column needs far more room, the title stays by its own ticks.
        let spare = area.x - cell.x - insets(width: cell.width).left
        let titleX = cell.x + 11 + (spare > 40 ? spare : 0)
        writer.label(
            TextMetrics.fitted(yAxis.title, size: 12, limit: area.height + 30),
            x: titleX,
            y: area.y + area.height / 2,
            class: "axis-title",
            anchor: .middle,
            rotation: -90
        )
    }

    private func yTicks(height: Double) -> [Tick] {
        let pitch = yAxis.kind == .symmetricLogarithmic ? 22.0 : 30
        let ticks = yAxis.ticks ?? yScale.ticks(count: max(3, Int(height / pitch)), integersOnly: yAxis.integersOnly)
        guard yAxis.kind == .band else { return ticks }
        let every = max(1, Int((13 * Double(ticks.count) / max(height, 1)).rounded(.up)))
        return ticks.enumerated().filter { $0.offset.isMultiple(of: every) }.map { $0.element }
    }

    /// As many ticks as fit side by side without touching.
    static func spaced(_ scale: PositionScale, axis: Axis, area: Rect) -> [Tick] {
        if axis.kind == .band {
            let every = Int(bandStride(scale))
            return scale.ticks(count: 0, integersOnly: false).enumerated()
                .filter { $0.offset.isMultiple(of: every) }.map { $0.element }
        }
        if let given = axis.ticks { return separate(given.filter { scale.domain.contains($0.value) }, scale) }
        var count = max(2, Int(area.width / 45))
        while true {
            let ticks = scale.ticks(count: count, integersOnly: axis.integersOnly)
            if count <= 2 || separate(ticks, scale).count == ticks.count { return ticks }
            count -= 1
        }
    }

    /// The ticks whose labels do not touch an earlier one.
    private static func separate(_ ticks: [Tick], _ scale: PositionScale) -> [Tick] {
        var freeFrom = -Double.infinity
        return ticks.filter { tick in
            let half = TextMetrics.width(tick.label, size: tickSize) / 2
            guard scale(tick.value) - half >= freeFrom else { return false }
            freeFrom = scale(tick.value) + half + 8
            return true
        }
    }

    /// Bands a label may cover, so that at least a few letters of each shown name fit.
    private static func bandStride(_ scale: PositionScale) -> Double {
        let widest = scale.names.map { TextMetrics.width($0, size: tickSize) }.max() ?? 0
        return max(1, (min(widest + 6, 60) / max(scale.unitLength, 0.1)).rounded(.up))
    }

    private static func vertical(_ x: Double, _ from: Double, _ to: Double) -> String {
        "M\(NumberText.coordinate(x)) \(NumberText.coordinate(from))V\(NumberText.coordinate(to))"
    }
}
