import Foundation
import Plotting
import Testing

struct RenderingTests {
    private func plot(_ marks: [any Mark], x: Axis = Axis("x"), y: Axis = Axis("y"), title: String = "t") throws
        -> String
    {
        try Plot(title: title, panels: [Panel(x: x, y: y, marks: marks)]).svg()
    }

    /// Path data of the first element of a class.
    private func path(_ svg: String, class name: String) -> String? {
        svg.components(separatedBy: "<path class=\"\(name)\"").dropFirst().first?
            .components(separatedBy: "d=\"").dropFirst().first?.components(separatedBy: "\"").first
    }

    @Test(arguments: 1...33)
    func anyNumberOfPointsDraws(count: Int) throws {
        let values = (0..<count).map { Double($0 * $0) }
        let svg = try plot([
            LineMark(x: values, y: values, series: "line", showsPoints: true),
            PointMark(x: .numbers(values), y: .numbers(values), series: "points"),
            AreaMark(x: values, low: values, high: values.map { $0 + 1 }, series: "area"),
        ])
        #expect(!svg.contains("nan") && !svg.contains("inf\""))
    }

    @Test func aLineBreaksWhereAValueIsNotFinite() throws {
        let svg = try plot([LineMark(x: [0, 1, 2, 3, 4], y: [1, 2, .nan, 2, .infinity])])
        let line = try #require(path(svg, class: "line s"))
        #expect(line.filter { $0 == "M" }.count == 2)
        #expect(!line.lowercased().contains("n"))
    }

    @Test func constantDataHasAnAxis() throws {
        let svg = try plot([LineMark(x: [0, 1, 2], y: [7, 7, 7])])
        #expect(svg.contains(">4</text>") && svg.contains(">10</text>"))
        let zero = try plot([LineMark(x: [0, 1, 2], y: [0, 0, 0])])
        #expect(zero.contains(">0.0<"))
    }

    @Test func oneOutlierStaysInsideTheData() throws {
        var values = [Double](repeating: 1, count: 32)
        values[7] = 1e6
        let svg = try plot([LineMark(x: (0..<32).map { Double($0) }, y: values)])
        #expect(svg.contains("1,000,000"))
    }

    @Test func namesAreEscaped() throws {
        let svg = try plot(
            [LineMark(x: [0, 1], y: [0, 1], series: "a<b & \"c\"")],
            x: Axis("x > 0\u{1}"),
            title: "</title><script>"
        )
        #expect(!svg.contains("<script>"))
        #expect(svg.contains("&lt;/title&gt;&lt;script&gt;"))
        #expect(svg.contains("a&lt;b &amp; &quot;c&quot;"))
        #expect(svg.contains("x &gt; 0\u{FFFD}"))
    }

    @Test func oneSeriesLooksAlikeInAllPanels() throws {
        func panel(_ names: [String]) throws -> Panel {
            try Panel(x: Axis("x"), y: Axis("y"), marks: names.map { try LineMark(x: [0, 1], y: [0, 1], series: $0) })
        }
        let svg = try Plot(title: "t", columns: 2, panels: [panel(["a", "b"]), panel(["c", "b"])]).svg()
        // One line in each panel and one in the legend.
        #expect(svg.components(separatedBy: "class=\"line s1\"").count == 4)
        #expect(svg.components(separatedBy: ">b</text>").count == 2)
    }

    @Test func manySeriesDifferInDashAndShape() throws {
        let marks = try (0..<9).map { try LineMark(x: [0, 1], y: [0, 1], series: "series \($0)") }
        #expect(try plot(marks).contains("stroke-dasharray=\"6 3\""))
    }

    @Test func heatMapCellsOfOneColourAreOneStroke() throws {
        let cells = try CellMark(rows: [[1, 1, 1, 0], [0, .nan, 0, 0]], x: 0...4, y: 0...2)
        let svg = try plot([cells])
        #expect(svg.contains("d=\"m0 0h3\""))
        #expect(svg.contains("d=\"m3 0h1m-4 1h1m1 0h2\""))
    }

    @Test func surfacesDrawTheFarthestRowFirst() throws {
        let panel = try SurfacePanel(
            rows: [[1, 2], [3, 4], [5, .nan]],
            rowDirection: .init("Token", range: 0...2),
            columnDirection: .init("Channel", range: 0...1),
            valueTitle: "|K|"
        )
        let svg = try Plot(title: "t", columns: 2, panels: [panel, panel]).svg(id: "a")
        let group = try #require(svg.components(separatedBy: "class=\"surface\"").dropFirst().first)
        let heights = group.components(separatedBy: "translate(").dropFirst().prefix(3).compactMap {
            Double($0.prefix { $0 != ")" }.split(separator: " ").last ?? "")
        }
        #expect(heights.count == 3 && heights == heights.sorted())
        let ids = svg.components(separatedBy: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(Set(ids).count == ids.count)
        #expect(!svg.contains("nan"))
    }

    @Test func samePlotSameText() throws {
        let marks = [try LineMark(x: [0, 0.1, 0.7], y: [3, 1, 2], series: "a")]
        #expect(try plot(marks) == plot(marks))
    }

    @Test func bothColourSchemesAreInTheFile() throws {
        let svg = try plot([CellMark(rows: [[1, 2]], x: 0...1, y: 0...1)])
        #expect(svg.contains("@media (prefers-color-scheme:dark)"))
        #expect(svg.contains("fill:#1b1f24;fill:var(--plot-ink)"))
        #expect(!svg.contains("ember0"), "only the ramps in use are written")
    }

    @Test func logarithmicAndBandAxesDraw() throws {
        let svg = try plot(
            [
                BarMark(
                    x: .names(["one", "a name much too long for its band to show in full"]),
                    y: [10, 1000],
                    baseline: 1
                )
            ],
            x: Axis("scheme", kind: .band),
            y: Axis("error", kind: .logarithmic)
        )
        #expect(svg.contains(">one</text>") && svg.contains("1000"))
    }

    @Test func captionsWrapAndTitlesAreBalanced() {
        let lines = TextMetrics.wrap("one two three four five", size: 10, limit: 50)
        #expect(lines.count > 1 && lines.joined(separator: " ") == "one two three four five")
        let title = "Channel 34 of the keys in layer 17 is 59 times the median channel of the head"
        let balanced = TextMetrics.balanced(title, size: 17, isBold: true, limit: 560)
        #expect(balanced.count == TextMetrics.wrap(title, size: 17, isBold: true, limit: 560).count)
        let widths = balanced.map { TextMetrics.width($0, size: 17, isBold: true) }
        #expect((widths.min() ?? 0) > (widths.max() ?? 0) * 0.6)
    }

    @Test func namesThatAreTooLongKeepBothEnds() {
        let fitted = TextMetrics.fitted("rtn-int2-channel-g32/rtn-int2-token-g32+window=128", size: 11, limit: 120)
        #expect(fitted.hasPrefix("rtn") && fitted.hasSuffix("128") && fitted.contains("…"))
        #expect(TextMetrics.width(fitted, size: 11) <= 120)
    }
}
