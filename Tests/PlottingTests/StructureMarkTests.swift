import Plotting
import Testing

/// Marks, scales and bars that the distribution study's figures need.
struct StructureMarkTests {
    private func svg(_ marks: [any Mark], x: Axis = Axis("x"), y: Axis = Axis("y"), bar: ColorBar? = nil) throws
        -> String
    {
        try Plot(title: "t", panels: [Panel(x: x, y: y, marks: marks, colorBar: bar)]).svg()
    }

    @Test func symmetricTicksAreZeroAndPowersOfTenOfEitherSign() {
        let ticks = Ticks.symmetricLogarithmic(-150...2000, linearWithin: 1, count: 8)
        #expect(ticks.map { $0.label } == ["−100", "−10", "−1", "0", "1", "10", "100", "1000"])
        #expect(ticks.map { $0.value } == ticks.map { $0.value }.sorted())
    }

    @Test(arguments: [0.01, 1, 30, 1000])
    func aNarrowSymmetricRangeHasLinearTicks(within: Double) {
        let ticks = Ticks.symmetricLogarithmic(-2 * within...2 * within, linearWithin: within, count: 5)
        #expect(ticks == Ticks.linear(-2 * within...2 * within, count: 5))
    }

    @Test(arguments: 1...33)
    func symmetricTicksAreNeverMoreThanWanted(count: Int) {
        let ticks = Ticks.symmetricLogarithmic(-1e6...1e9, linearWithin: 0.1, count: count)
        #expect(ticks.count <= max(count, 3) && ticks.count > 1)
        #expect(ticks.contains { $0.value == 0 })
    }

    /// Zero lies in the middle of an axis that reaches as far both ways, and values stay in order.
    @Test func aSymmetricAxisKeepsOrderAndSign() throws {
        let values = [-1000.0, -10, -1, 0, 1, 10, 1000]
        let text = try svg(
            [LineMark(x: values.indices.map { Double($0) }, y: values)],
            y: Axis("y", kind: .symmetricLogarithmic)
        )
        let line = try #require(text.firstMatch(of: #/class="line s"[^>]* d="M([^"]*)"/#)).1
        let heights = line.split(separator: "L").compactMap { Double($0.split(separator: " ").last ?? "") }
        #expect(heights.count == values.count && heights == heights.sorted(by: >))
        #expect(abs(heights[3] - (heights[0] + heights[6]) / 2) < 0.2)
        let step = heights[3] - heights[4]
        // asinh(1) = 0.881 and asinh(1000) = 7.601.
        #expect(abs((heights[3] - heights[6]) / step - 7.601 / 0.881) < 0.3)
    }

    @Test func boxesReachFromLowToHighInOneShade() throws {
        let text = try svg([BoxMark(x: .numbers([0, 1]), low: [1, .nan], high: [3, 4], width: 0.5, level: 99)])
        let paths = text.matches(of: #/<path class="lagoon31"[^>]* d="([^"]*)"/#)
        #expect(
            paths.count == 1 && paths.first?.1.filter { $0 == "M" }.count == 1,
            "a box that is not finite is left out"
        )
        #expect(throws: PlotError.missingChannel(mark: "box", channel: "x")) {
            try BoxMark(x: .numbers([]), low: [], high: [], width: 1, level: 1)
        }
        #expect(throws: PlotError.self) { try BoxMark(x: .numbers([1]), low: [1, 2], high: [1], width: 1, level: 1) }
    }

    @Test func levelsAreLeftOutWhereNotFinite() throws {
        let text = try svg([LevelMark(x: .numbers([0, 1, 2]), y: [1, .infinity, 2], width: 0.5)])
        let path = try #require(text.firstMatch(of: #/stroke:var\(--plot-page\)[^>]* d="([^"]*)"/#)).1
        #expect(path.filter { $0 == "M" }.count == 2)
        #expect(throws: PlotError.missingChannel(mark: "level", channel: "x")) {
            try LevelMark(x: .numbers([]), y: [], width: 1)
        }
    }

    @Test func theDiagonalJoinsEqualValues() throws {
        let square = Axis("a", domain: 0...10)
        let text = try svg([DiagonalMark(0...10)], x: square, y: square)
        let match = try #require(text.firstMatch(of: #/class="rule"[^>]* d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/#))
        let ends = [match.1, match.2, match.3, match.4].compactMap { Double($0) }
        #expect(ends[0] < ends[2] && ends[1] > ends[3])
    }

    @Test func lyingBarsAreAsLongAsTheirValues() throws {
        let text = try svg(
            [BarMark(y: .names(["a", "b"]), x: [10, 20])],
            x: Axis("x", includesZero: true),
            y: Axis("", kind: .band)
        )
        let path = try #require(text.firstMatch(of: #/class="soft f" d="([^"]*)"/#)).1
        let bars = path.matches(of: #/M([\d.]+) [\d.]+H([\d.]+)v/#).compactMap { match in
            Double(match.2).flatMap { end in Double(match.1).map { end - $0 } }
        }
        #expect(bars.count == 2 && abs(bars[1] / bars[0] - 2) < 0.01)
        #expect(throws: PlotError.missingChannel(mark: "bar", channel: "y")) { try BarMark(y: .names([]), x: []) }
    }

    @Test func logarithmicCellsTakeEqualShadesForEqualRatios() throws {
        let cells = try CellMark(rows: [[1, 10, 100, 0]], x: 0...4, y: 0...1, isLogarithmic: true)
        #expect(cells.domain == 1...100)
        let text = try svg([cells])
        for shade in ["lagoon0", "lagoon16", "lagoon31"] {
            #expect(text.contains("<path class=\"\(shade)\" d=\"m"), "\(shade)")
        }
        // What is not positive takes the low end, with the smallest.
        #expect(text.contains("<path class=\"lagoon0\" d=\"m0 0h1m2 0h1\""))
    }

    @Test func textInCellsStandsOutFromThem() throws {
        let text = try svg([
            CellMark(rows: [[0, 1]], x: 0...2, y: 0...1, labels: [["low", "high", "no cell"], ["none"]])
        ])
        #expect(text.contains("<text class=\"ink middle\"") && text.contains(">low</text>"))
        #expect(text.contains("<text class=\"page middle\"") && text.contains(">high</text>"))
        #expect(!text.contains("no cell") && !text.contains(">none<"))
    }

    @Test func aBarOfColoursCanBeLogarithmicOrAPartOfTheRamp() throws {
        let cells = try CellMark(rows: [[1, 1000]], x: 0...2, y: 0...1, isLogarithmic: true)
        let text = try svg([cells], bar: ColorBar(ramp: .lagoon, domain: 1...1000, isLogarithmic: true))
        for label in [">1</text>", ">10</text>", ">100</text>", ">1000</text>"] { #expect(text.contains(label)) }
        let part = try svg(
            [cells],
            bar: ColorBar(ramp: .lagoon, domain: 0...1, levels: 8...11, ticks: [Tick(value: 0.5, label: "half")])
        )
        #expect(part.contains(">half</text>"))
        #expect(part.matches(of: #/class="lagoon\d+" style="stroke-width/#).count == 4)
    }

    @Test func columnsHaveTheWidthsOfTheirWeights() throws {
        func axisWidths(_ weights: [Double]) throws -> [Double] {
            let panel = try Panel(x: Axis("x"), y: Axis("y"), marks: [LineMark(x: [0, 1], y: [0, 1])])
            let text = try Plot(title: "t", columns: 2, columnWeights: weights, panels: [panel, panel]).svg()
            return text.matches(of: #/class="axis" d="M([\d.]+) [\d.]+H([\d.]+)/#).compactMap { match in
                Double(match.2).flatMap { end in Double(match.1).map { end - $0 } }
            }
        }
        let equal = try axisWidths([])
        #expect(equal.count == 2 && abs(equal[0] - equal[1]) < 0.2)
        let uneven = try axisWidths([2, 1])
        #expect(uneven[0] > 1.8 * uneven[1] && abs(uneven.reduce(0, +) - equal.reduce(0, +)) < 0.3)
        #expect(try axisWidths([1, -1]) == equal, "weights without a meaning are equal ones")
    }
}
