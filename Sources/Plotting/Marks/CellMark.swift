#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A heat map: a grid of values as colours.
///
/// Neighbours of one colour in a row are drawn as one stroke, so that large
/// grids stay small files. Cells that are not finite stay empty.
public struct CellMark: Mark {
    /// The most cells that one mark draws.
    public static let cellLimit = 128 * 128

    public let name = "cell"
    public let ramp: ColorRamp
    /// Values at the two ends of the ramp.
    public let domain: ClosedRange<Double>
    private let rows: [[Double]]
    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>
    private let isLogarithmic: Bool
    private let labels: [[String]]

    /// - Parameters:
    ///   - rows: values `[y][x]`, from the low end of both axes.
    ///   - x: outer edges of the first and last column.
    ///   - y: outer edges of the first and last row.
    ///   - domain: values at the ends of the ramp; without it, zero or the minimum to the maximum.
    ///   - isLogarithmic: whether equal ratios are equal steps of colour; the domain is then positive, and cells
    ///     that are not positive take the low end.
    ///   - labels: texts in the cells, `[y][x]`; for few of them.
    /// - Throws: ``PlotError`` if rows are missing, uneven, without a finite value, or too many.
    public init(
        rows: [[Double]],
        x: ClosedRange<Double>,
        y: ClosedRange<Double>,
        domain: ClosedRange<Double>? = nil,
        ramp: ColorRamp = .lagoon,
        isLogarithmic: Bool = false,
        labels: [[String]] = []
    ) throws {
        self.rows = rows
        self.x = x
        self.y = y
        self.ramp = ramp
        self.isLogarithmic = isLogarithmic
        self.labels = labels
        let width = rows.first?.count ?? 0
        guard width > 0 else { throw PlotError.missingChannel(mark: name, channel: "rows") }
        for row in rows where row.count != width {
            throw PlotError.lengthMismatch(
                mark: name,
                channel: "rows",
                count: row.count,
                other: "rows",
                otherCount: width
            )
        }
        guard rows.count * width <= Self.cellLimit else {
            throw PlotError.tooManyCells(panel: name, count: rows.count * width, limit: Self.cellLimit)
        }
        let finite = rows.joined().filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else {
            throw PlotError.missingChannel(mark: name, channel: "rows")
        }
        let positive = finite.filter { $0 > 0 }.min() ?? 1
        let bottom = min(low, 0)
        self.domain =
            domain
            ?? (isLogarithmic
                ? positive...max(high, positive * 1.01) : bottom...(high > bottom ? high : bottom + 1))
    }

    public var ramps: Set<ColorRamp> { [ramp] }

    public var channels: [MarkChannel] {
        [
            MarkChannel("x", .x, .numbers([x.lowerBound, x.upperBound])),
            MarkChannel("y", .y, .numbers([y.lowerBound, y.upperBound])),
        ]
    }

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        var paths = [String](repeating: "", count: ColorRamp.levels)
        // Where the pen of each path stands: steps from it take fewer letters than places.
        var pens = [(column: Int, row: Int)](repeating: (0, 0), count: ColorRamp.levels)
        func shade(_ value: Double) -> Int {
            value.isFinite ? ColorRamp.level(domain.fraction(of: value, isLogarithmic: isLogarithmic)) : -1
        }
        for (rowIndex, row) in rows.enumerated() {
            var column = 0
            while column < row.count {
                let first = column
                let level = shade(row[column])
                column += 1
                while column < row.count, shade(row[column]) == level { column += 1 }
                guard level >= 0 else { continue }
                let (right, down) = (first - pens[level].column, rowIndex - pens[level].row)
                paths[level] += "m\(right)\(down < 0 ? "" : " ")\(down)h\(column - first)"
                pens[level] = (column, rowIndex)
            }
        }
        let (left, right) = (frame.x(x.lowerBound), frame.x(x.upperBound))
        let (low, high) = (frame.y(y.lowerBound), frame.y(y.upperBound))
        let columnWidth = (right - left) / Double(rows[0].count)
        let rowHeight = (high - low) / Double(rows.count)
        let place = "translate(\(NumberText.coordinate(left)) \(NumberText.fixed(low + rowHeight / 2, decimals: 3)))"
        let scale = "scale(\(NumberText.fixed(columnWidth, decimals: 4)) \(NumberText.fixed(rowHeight, decimals: 4)))"
        writer.begin("g", ["class": "cells", "transform": place + " " + scale])
        for (level, path) in paths.enumerated() where !path.isEmpty {
            writer.element("path", ["class": ramp.className(level), "d": path])
        }
        writer.end()
        for (rowIndex, texts) in labels.prefix(rows.count).enumerated() {
            for (column, text) in texts.prefix(rows[0].count).enumerated() {
                // On the half of the ramp that stands out from the page, text has the page's colour.
                let isStrong = shade(rows[rowIndex][column]) >= ColorRamp.levels / 2 + 1
                writer.label(
                    text,
                    x: left + columnWidth * (Double(column) + 0.5),
                    y: low + rowHeight * (Double(rowIndex) + 0.5) + 4,
                    class: isStrong ? "page" : "ink",
                    anchor: .middle
                )
            }
        }
    }
}

extension ClosedRange<Double> {
    /// Where a value lies between the bounds, 0 to 1 and beyond; 0 for what has no logarithm.
    func fraction(of value: Double, isLogarithmic: Bool) -> Double {
        guard isLogarithmic else { return (value - lowerBound) / (upperBound - lowerBound) }
        return value > 0 ? log(value / lowerBound) / log(upperBound / lowerBound) : 0
    }
}
