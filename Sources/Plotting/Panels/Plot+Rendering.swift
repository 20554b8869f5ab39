extension Plot {
    private static let margin = 16.0
    private static let gap = 14.0

    /// The figure as one SVG document.
    ///
    /// - Parameter id: a prefix for the document's ids, distinct for each figure in one page.
    /// - Returns: the same text for the same plot, on every machine.
    public func svg(id: String = "plot") -> String {
        var body = SVGWriter()
        var y = Self.margin
        let inner = width - 2 * Self.margin
        for (text, size, name, leading) in [(title, 17.0, "title", 22.0), (subtitle, 13.0, "subtitle", 18.0)] {
            for line in TextMetrics.balanced(text, size: size, isBold: name == "title", limit: inner) {
                body.label(line, x: Self.margin, y: y + size * 0.85, class: name)
                y += leading
            }
            if name == "title" { y += 1 }
        }
        let entries = legendEntries()
        y = drawLegend(entries, y: y + 6, inner: inner, to: &body)
        let seriesIndex = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.series, $0) })
        y = drawPanels(y: y + 2, inner: inner, context: PlotContext(id: id, seriesIndex: seriesIndex), to: &body)
        let lines = TextMetrics.wrap(caption, size: 11.5, limit: inner)
        if !lines.isEmpty { y += 8 }
        for line in lines {
            body.label(line, x: Self.margin, y: y + 10, class: "caption")
            y += 15.5
        }
        return document(body: body.text, height: (y + Self.margin - 4).rounded(.up), id: id)
    }

    private func document(body: String, height: Double, id: String) -> String {
        var writer = SVGWriter()
        let (w, h) = (NumberText.coordinate(width), NumberText.coordinate(height))
        writer.begin(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "plot", "role": "img",
                "aria-labelledby": "\(id)-title \(id)-desc", "width": w, "height": h, "viewBox": "0 0 \(w) \(h)",
            ]
        )
        writer.element("title", ["id": "\(id)-title"], content: title)
        writer.element(
            "desc",
            ["id": "\(id)-desc"],
            content: [subtitle, caption].filter { !$0.isEmpty }.joined(separator: " ")
        )
        let ramps = panels.reduce(into: Set<ColorRamp>()) { $0.formUnion($1.ramps) }
        writer.raw("<style>\n\(StyleSheet.css(ramps: ramps))</style>\n")
        writer.element("rect", ["class": "page", "width": w, "height": h])
        writer.raw(body)
        writer.end()
        return writer.text
    }

    /// Each series once, in the order in which panels bring them.
    private func legendEntries() -> [(series: String, symbol: LegendSymbol)] {
        var seen: Set<String> = []
        return panels.flatMap { $0.legend }.filter { seen.insert($0.series).inserted }
    }

    private func drawLegend(
        _ entries: [(series: String, symbol: LegendSymbol)],
        y top: Double,
        inner: Double,
        to writer: inout SVGWriter
    ) -> Double {
        guard !entries.isEmpty else { return top }
        let widest = entries.map { TextMetrics.width($0.series, size: 12) }.max() ?? 0
        // Columns of one width read better than ragged lines, unless there is only one line.
        let total = entries.reduce(0) { $0 + TextMetrics.width($1.series, size: 12) + 50 }
        let column = min(widest + 50, inner)
        var (x, y) = (Self.margin, top)
        for (index, entry) in entries.enumerated() {
            let text = TextMetrics.fitted(entry.series, size: 12, limit: inner - 40)
            let advance = total <= inner ? TextMetrics.width(text, size: 12) + 50 : column
            if x > Self.margin, x + advance - 16 > Self.margin + inner {
                x = Self.margin
                y += 18
            }
            drawSymbol(entry.symbol, series: index, x: x, y: y + 8, to: &writer)
            writer.label(text, x: x + 32, y: y + 12, class: "axis-title")
            x += advance
        }
        return y + 22
    }

    private func drawSymbol(
        _ symbol: LegendSymbol,
        series: Int,
        x: Double,
        y: Double,
        to writer: inout SVGWriter
    ) {
        let fill = "f\(series % SeriesPalette.colorCount)"
        if symbol == .line || symbol == .lineWithPoints {
            let path = "M\(NumberText.coordinate(x)) \(NumberText.coordinate(y))h26"
            writer.element(
                "path",
                [
                    "class": "line \(SeriesPalette.className(series))", "stroke-dasharray": SeriesPalette.dash(series),
                    "d": path,
                ]
            )
        }
        if symbol == .point || symbol == .lineWithPoints {
            PointShape.draw([(x + 13, y)], SeriesPalette.shape(series), radius: 3.4, class: fill, to: &writer)
        }
        if symbol == .swatch {
            let path = "M\(NumberText.coordinate(x + 7)) \(NumberText.coordinate(y - 5))h14v10h-14z"
            writer.element("path", ["class": "soft \(fill)", "d": path])
        }
    }

    private func drawPanels(
        y top: Double,
        inner: Double,
        context: PlotContext,
        to writer: inout SVGWriter
    ) -> Double {
        let room = inner - Self.gap * Double(columns - 1)
        let total = columnWeights.reduce(0, +)
        let cellWidths = columnWeights.map { room * $0 / total }
        var y = top
        // Panels of one column share their side margins, so that their axes line up.
        var shared = [Insets](repeating: Insets(top: 0, left: 0, bottom: 0, right: 0), count: columns)
        for (index, panel) in panels.enumerated() {
            let column = index % columns
            let wanted = panel.insets(width: cellWidths[column])
            shared[column].left = max(shared[column].left, wanted.left)
            shared[column].right = max(shared[column].right, wanted.right)
        }
        for first in stride(from: 0, to: panels.count, by: columns) {
            let row = panels[first..<min(first + columns, panels.count)]
            let height = row.map(\.height).max() ?? 0
            var x = Self.margin
            for (offset, panel) in row.enumerated() {
                var insets = panel.insets(width: cellWidths[offset])
                insets.left = shared[offset].left
                insets.right = shared[offset].right
                panel.draw(
                    in: Rect(x: x, y: y, width: cellWidths[offset], height: height),
                    insets: insets,
                    context: context,
                    to: &writer
                )
                x += cellWidths[offset] + Self.gap
            }
            y += height + 6
        }
        return y
    }
}
