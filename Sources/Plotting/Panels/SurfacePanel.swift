/// A surface over a grid, in parallel projection: height and colour both show the value.
public struct SurfacePanel: PanelContent {
    /// The most cells that one surface draws.
    public static let cellLimit = 128 * 128

    /// One horizontal direction of the grid.
    public struct Direction: Sendable {
        public let title: String
        /// Values at the first and the last line of the grid.
        public let range: ClosedRange<Double>

        public init(_ title: String, range: ClosedRange<Double>) {
            self.title = title
            self.range = range
        }
    }

    /// A peak that is named.
    public struct Annotation: Sendable {
        let row: Int
        let column: Int
        let text: String

        public init(row: Int, column: Int, text: String) {
            self.row = row
            self.column = column
            self.text = text
        }
    }

    public let title: String
    public let height: Double
    let rows: [[Double]]
    let rowDirection: Direction
    let columnDirection: Direction
    let valueTitle: String
    let valueRange: ClosedRange<Double>
    let ramp: ColorRamp
    let annotations: [Annotation]

    /// - Parameters:
    ///   - rows: values `[row][column]`; columns run along the front left, rows away to the right.
    ///   - valueRange: limits of height and colour; without it, zero to the maximum.
    /// - Throws: ``PlotError`` for a grid smaller than 2 × 2, uneven, too large or without a finite value.
    public init(
        title: String = "",
        rows: [[Double]],
        rowDirection: Direction,
        columnDirection: Direction,
        valueTitle: String,
        valueRange: ClosedRange<Double>? = nil,
        ramp: ColorRamp = .lagoon,
        annotations: [Annotation] = [],
        height: Double = 300
    ) throws {
        let width = rows.first?.count ?? 0
        guard rows.count > 1, width > 1 else { throw PlotError.missingChannel(mark: "surface", channel: "rows") }
        for row in rows where row.count != width {
            throw PlotError.lengthMismatch(
                mark: "surface",
                channel: "rows",
                count: row.count,
                other: "rows",
                otherCount: width
            )
        }
        guard rows.count * width <= Self.cellLimit else {
            throw PlotError.tooManyCells(panel: title, count: rows.count * width, limit: Self.cellLimit)
        }
        let finite = rows.joined().filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { throw PlotError.nothingToDraw(panel: title) }
        self.title = title
        self.height = height
        self.rows = rows
        self.rowDirection = rowDirection
        self.columnDirection = columnDirection
        self.valueTitle = valueTitle
        self.valueRange = valueRange ?? (min(low, 0)...(high > min(low, 0) ? high : low + 1))
        self.ramp = ramp
        self.annotations = annotations.filter { rows.indices.contains($0.row) && rows[0].indices.contains($0.column) }
    }

    public var legend: [(series: String, symbol: LegendSymbol)] { [] }
    public var ramps: Set<ColorRamp> { [ramp] }

    public func insets(width: Double) -> Insets {
        Insets(top: title.isEmpty ? 8 : 26, left: 0, bottom: 0, right: 0)
    }
}
