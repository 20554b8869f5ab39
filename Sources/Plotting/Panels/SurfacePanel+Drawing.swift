extension SurfacePanel {
    public func draw(in cell: Rect, insets: Insets, context: PlotContext, to writer: inout SVGWriter) {
        writer.label(
            TextMetrics.fitted(title, size: 12.5, isBold: true, limit: cell.width - 8),
            x: cell.x + 4,
            y: cell.y + 15,
            class: "panel"
        )
        let ticks = Ticks.linear(valueRange, count: 5)
        let left = 12 + (ticks.map { TextMetrics.width($0.label, size: 11) }.max() ?? 0)
        let area = Rect(
            x: cell.x + left,
            y: cell.y + insets.top + 10,
            width: cell.width - left - 26,
            height: cell.height - insets.top - 10 - 30
        )
        let projection = SurfaceProjection(in: area)
        drawWalls(projection, ticks, to: &writer)
        drawSurface(projection, id: "\(context.id)-g\(Int(cell.x))-\(Int(cell.y))", to: &writer)
        drawEdge(columnDirection, isColumn: true, projection, to: &writer)
        drawEdge(rowDirection, isColumn: false, projection, to: &writer)
        drawValueAxis(projection, ticks, leftEdge: cell.x + 2, to: &writer)
        drawAnnotations(projection, in: cell, to: &writer)
    }

    private func fraction(_ value: Double) -> Double {
        min(max((value - valueRange.lowerBound) / (valueRange.upperBound - valueRange.lowerBound), 0), 1)
    }

    /// The rows from the farthest to the nearest, each an opaque curtain down to
    /// the floor: the painter's algorithm with one path a row.
    private func drawSurface(_ projection: SurfaceProjection, id: String, to writer: inout SVGWriter) {
        let head = projection.gradient
        writer.begin(
            "linearGradient",
            [
                "id": id, "gradientUnits": "userSpaceOnUse", "x1": "0", "y1": "0",
                "x2": NumberText.coordinate(head.x * Self.unitsPerPixel),
                "y2": NumberText.coordinate(head.y * Self.unitsPerPixel),
            ]
        )
        let last = ColorRamp.levels - 1
        for stop in 0...8 {
            let offset = NumberText.fixed(Double(stop) / 8, decimals: 3)
            writer.element("stop", ["class": ramp.className(stop * last / 8), "offset": offset])
        }
        writer.end()
        writer.begin(
            "g",
            [
                "class": "surface", "transform": "scale(\(NumberText.fixed(1 / Self.unitsPerPixel, decimals: 2)))",
                "style": "fill:url(#\(id))",
            ]
        )
        for index in rows.indices.reversed() {
            let base = projection.point(column: 0, row: Double(index) / Double(rows.count - 1), value: 0)
            let place = "translate(\(Self.units(base.x)) \(Self.units(base.y)))"
            writer.element("path", ["transform": place, "d": curtain(rows[index], projection)])
        }
        writer.end()
    }

    /// The surface is written in whole fifths of a pixel: short text, and rounding does not add up.
    private static let unitsPerPixel = 5.0

    private static func units(_ pixels: Double) -> Int { Int((pixels * unitsPerPixel).rounded()) }

    /// One row relative to its floor point, in units.
    private func curtain(_ row: [Double], _ projection: SurfaceProjection) -> String {
        var path = "M0 0l"
        var (lastX, lastY) = (0, 0)
        for (column, value) in row.enumerated() {
            let along = Double(column) / Double(row.count - 1)
            let x = Self.units(along * projection.columnStep.x)
            let height = value.isFinite ? fraction(value) * projection.heightPixels : 0
            let y = Self.units(along * projection.columnStep.y - height)
            path += "\(column == 0 ? "" : " ")\(x - lastX)\(y < lastY ? "" : " ")\(y - lastY)"
            (lastX, lastY) = (x, y)
        }
        return path + "V\(Self.units(projection.columnStep.y))z"
    }

    /// Floor and the two far walls, with lines at the ticks.
    private func drawWalls(_ projection: SurfaceProjection, _ ticks: [Tick], to writer: inout SVGWriter) {
        func outline(_ corners: [(Double, Double, Double)]) -> String {
            let points = corners.map { projection.point(column: $0.0, row: $0.1, value: $0.2) }
            return "M"
                + points.map { "\(NumberText.coordinate($0.x)) \(NumberText.coordinate($0.y))" }
                .joined(separator: "L")
        }
        let faces = [
            [(0.0, 0.0, 0.0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [(0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1)],
            [(0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)],
        ]
        writer.element("path", ["class": "wall", "d": faces.map { outline($0) + "z" }.joined()])
        var grid = ""
        for tick in ticks {
            let z = fraction(tick.value)
            grid += outline([(0, 0, z), (0, 1, z), (1, 1, z)])
        }
        for tick in Self.edgeTicks(columnDirection) {
            let along = Self.along(tick, columnDirection)
            grid += outline([(along, 0, 0), (along, 1, 0), (along, 1, 1)])
        }
        for tick in Self.edgeTicks(rowDirection) {
            let along = Self.along(tick, rowDirection)
            grid += outline([(1, along, 0), (0, along, 0), (0, along, 1)])
        }
        writer.element("path", ["class": "grid", "d": grid])
    }

    private static func edgeTicks(_ direction: Direction) -> [Tick] {
        Ticks.linear(direction.range, count: 5, integersOnly: true)
    }

    private static func along(_ tick: Tick, _ direction: Direction) -> Double {
        (tick.value - direction.range.lowerBound) / (direction.range.upperBound - direction.range.lowerBound)
    }

    /// Ticks and title along one front edge of the floor; ticks lie in the direction of the other edge.
    private func drawEdge(
        _ direction: Direction,
        isColumn: Bool,
        _ projection: SurfaceProjection,
        to writer: inout SVGWriter
    ) {
        let outward =
            isColumn
            ? (x: -projection.rowStep.x, y: -projection.rowStep.y)
            : (x: projection.columnStep.x, y: projection.columnStep.y)
        let length = (outward.x * outward.x + outward.y * outward.y).squareRoot()
        let unit = (x: outward.x / length, y: outward.y / length)
        func foot(_ along: Double) -> (x: Double, y: Double) {
            isColumn
                ? projection.point(column: along, row: 0, value: 0) : projection.point(column: 1, row: along, value: 0)
        }
        let (from, to) = (foot(0), foot(1))
        writer.line(from.x, from.y, to.x, to.y, class: "axis")
        var widest = 0.0
        for tick in Self.edgeTicks(direction) {
            let at = foot(Self.along(tick, direction))
            writer.line(at.x, at.y, at.x + 4 * unit.x, at.y + 4 * unit.y, class: "axis")
            writer.label(
                tick.label,
                x: at.x + 9 * unit.x,
                y: at.y + 9 * unit.y + 9,
                class: "tick",
                anchor: isColumn ? .end : .start
            )
            widest = max(widest, TextMetrics.width(tick.label, size: 11))
        }
        let middle = foot(0.5)
        let away = isColumn ? 24 + widest * 0.4 : 22 + widest * 0.9
        let angle =
            isColumn
            ? Self.degrees(projection.columnStep) : Self.degrees((projection.rowStep.x, projection.rowStep.y))
        writer.label(
            direction.title,
            x: middle.x + away * unit.x,
            y: middle.y + away * unit.y + 10,
            class: "axis-title",
            anchor: .middle,
            rotation: angle
        )
    }

    /// Slope of a vector; a polynomial is exact enough for lettering and the same on every machine.
    private static func degrees(_ vector: (x: Double, y: Double)) -> Double {
        let t = vector.y / vector.x
        return t * (1 - t * t * (1.0 / 3 - t * t / 5)) * 180 / .pi
    }

    private func drawValueAxis(
        _ projection: SurfaceProjection,
        _ ticks: [Tick],
        leftEdge: Double,
        to writer: inout SVGWriter
    ) {
        let (foot, top) = (
            projection.point(column: 0, row: 0, value: 0), projection.point(column: 0, row: 0, value: 1)
        )
        writer.line(foot.x, foot.y, top.x, top.y, class: "axis")
        for tick in ticks {
            let y = projection.point(column: 0, row: 0, value: fraction(tick.value)).y
            writer.line(foot.x - 4, y, foot.x, y, class: "axis")
            // The lowest label keeps clear of the first one along the floor.
            writer.label(tick.label, x: foot.x - 7, y: y + (y > foot.y - 6 ? 0 : 4), class: "tick", anchor: .end)
        }
        writer.label(valueTitle, x: leftEdge, y: top.y - 8, class: "axis-title")
    }

    /// The highest pixel of the surface over a stretch of the picture.
    private func skyline(_ stretch: ClosedRange<Double>, _ projection: SurfaceProjection) -> Double {
        var top = Double.infinity
        for (index, row) in rows.enumerated() {
            for (column, value) in row.enumerated() where value.isFinite {
                let point = projection.point(
                    column: Double(column) / Double(row.count - 1),
                    row: Double(index) / Double(rows.count - 1),
                    value: fraction(value)
                )
                if stretch.contains(point.x) { top = min(top, point.y) }
            }
        }
        return top
    }

    /// Names of peaks, above whatever of the surface lies behind or before them.
    private func drawAnnotations(_ projection: SurfaceProjection, in cell: Rect, to writer: inout SVGWriter) {
        let headroom = Rect(x: cell.x + 4, y: cell.y + 20, width: cell.width - 8, height: cell.height - 20)
        var layout = LabelLayout(area: headroom)
        let valueTop = projection.point(column: 0, row: 0, value: 1)
        let valueFloor = projection.point(column: 0, row: 0, value: 0)
        layout.taken = [
            Rect(x: cell.x, y: valueTop.y - 20, width: TextMetrics.width(valueTitle, size: 12) + 6, height: 17),
            Rect(x: cell.x, y: valueTop.y, width: valueTop.x + 3 - cell.x, height: valueFloor.y - valueTop.y),
        ]
        var texts: [String] = []
        for annotation in annotations {
            let value = rows[annotation.row][annotation.column]
            let peak = projection.point(
                column: Double(annotation.column) / Double(rows[0].count - 1),
                row: Double(annotation.row) / Double(rows.count - 1),
                value: fraction(value)
            )
            let width = TextMetrics.width(annotation.text, size: 11)
            // Straight above the peak, so that the line to it is upright: in the middle, to either side, then higher.
            let places = [0.5, 0.85, 0.15, 0].map {
                min(max(peak.x - width * $0, headroom.x), max(headroom.x, headroom.right - width))
            }
            let candidates = [0.0, 15, 30].flatMap { rise in
                places.map { x in
                    let low = max(skyline(x...(x + width), projection) - 19, headroom.y)
                    return Rect(x: x, y: low - rise, width: width, height: 14)
                }
            }
            if candidates.contains(where: { layout.take($0, at: (peak.x, peak.y - 1)) }) {
                texts.append(annotation.text)
            }
        }
        for leader in layout.leaders {
            writer.line(leader.from.x, leader.from.y, leader.to.x, leader.to.y, class: "leader")
        }
        for (text, box) in zip(texts, layout.boxes) { writer.label(text, x: box.x, y: box.bottom - 3, class: "halo") }
    }
}
