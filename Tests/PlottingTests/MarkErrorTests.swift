import Plotting
import Testing

struct MarkErrorTests {
    @Test func aMissingChannelIsNamed() {
        #expect(throws: PlotError.missingChannel(mark: "line", channel: "x")) { try LineMark(x: [], y: []) }
        #expect(throws: PlotError.missingChannel(mark: "bar", channel: "x")) { try BarMark(x: .names([]), y: []) }
        #expect(throws: PlotError.missingChannel(mark: "rule", channel: "y")) { try RuleMark(y: .nan) }
        #expect(throws: PlotError.missingChannel(mark: "cell", channel: "rows")) {
            try CellMark(rows: [], x: 0...1, y: 0...1)
        }
        #expect(throws: PlotError.missingChannel(mark: "cell", channel: "rows")) {
            try CellMark(rows: [[.nan, .infinity]], x: 0...1, y: 0...1)
        }
    }

    @Test func unequalLengthsAreNamed() {
        let error = PlotError.lengthMismatch(mark: "point", channel: "y", count: 2, other: "x", otherCount: 3)
        #expect(throws: error) { try PointMark(x: .numbers([1, 2, 3]), y: .numbers([1, 2])) }
        #expect(error.description == "point: channel y has 2 values; expected 3, as channel x has")
        #expect(throws: PlotError.self) { try AreaMark(x: [1, 2], low: [1, 2], high: [1]) }
        #expect(throws: PlotError.self) { try CellMark(rows: [[1, 2], [1]], x: 0...1, y: 0...1) }
    }

    @Test(arguments: [0.0, -1.0])
    func aLogarithmicAxisRefusesWhatHasNoLogarithm(value: Double) {
        #expect(throws: PlotError.notPositive(mark: "line", channel: "y", index: 1, value: value)) {
            try Panel(
                x: Axis("x"),
                y: Axis("y", kind: .logarithmic),
                marks: [LineMark(x: [1, 2], y: [1, value])]
            )
        }
    }

    @Test func namesNeedABandAxis() {
        #expect(throws: PlotError.wrongKind(mark: "bar", channel: "x", expected: "numbers")) {
            try Panel(x: Axis("x"), y: Axis("y"), marks: [BarMark(x: .names(["a"]), y: [1])])
        }
    }

    @Test func aPanelWithoutFiniteValuesIsRefused() {
        #expect(throws: PlotError.nothingToDraw(panel: "empty")) {
            try Panel(title: "empty", x: Axis("x"), y: Axis("y"), marks: [LineMark(x: [1, 2], y: [.nan, .infinity])])
        }
        #expect(throws: PlotError.noPanels) { try Plot(title: "none", panels: []) }
    }

    @Test func gridsThatAreTooLargeAreRefused() {
        let rows = [[Double]](repeating: [Double](repeating: 1, count: 129), count: 128)
        #expect(throws: PlotError.tooManyCells(panel: "cell", count: 129 * 128, limit: 128 * 128)) {
            try CellMark(rows: rows, x: 0...1, y: 0...1)
        }
        #expect(throws: PlotError.self) {
            try SurfacePanel(
                rows: rows,
                rowDirection: .init("r", range: 0...1),
                columnDirection: .init("c", range: 0...1),
                valueTitle: "z"
            )
        }
    }
}
