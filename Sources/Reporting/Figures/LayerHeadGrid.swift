import Plotting

/// Values of heads as a map of layer × head.
struct LayerHeadGrid {
    struct Cell {
        let layer: Int
        let head: Int
        let value: Double
    }

    /// Why there is no map of chosen layers.
    static let tooMany = "it has no head of the chosen layers, or more layers and heads than a map shows"

    /// `[head][layer]`, `nan` where there is no value.
    private let rows: [[Double]]
    private let layers: ClosedRange<Int>

    /// `nil` without a cell, or with more of them than a map shows, as only a damaged table has.
    ///
    /// - Parameter layers: those that the map spans.
    init?(_ cells: [Cell], layers: [Int]) {
        let known = cells.filter { $0.head >= 0 && layers.contains($0.layer) }
        guard let first = layers.min(), let end = layers.max(), let last = known.map({ $0.head }).max(),
            end - first < CellMark.cellLimit, last < CellMark.cellLimit,
            (end - first + 1) * (last + 1) <= CellMark.cellLimit
        else { return nil }
        var rows = [[Double]](repeating: [Double](repeating: .nan, count: end - first + 1), count: last + 1)
        for cell in known { rows[cell.head][cell.layer - first] = cell.value }
        self.rows = rows
        self.layers = first...end
    }

    var heads: Int { rows.count }

    private var headEdges: ClosedRange<Double> { -0.5...(Double(heads) - 0.5) }

    func mark(domain: ClosedRange<Double>, isLogarithmic: Bool = false) throws -> CellMark {
        try CellMark(
            rows: rows,
            x: (Double(layers.lowerBound) - 0.5)...(Double(layers.upperBound) + 0.5),
            y: headEdges,
            domain: domain,
            isLogarithmic: isLogarithmic
        )
    }

    func headAxis(_ title: String) -> Axis {
        Axis(title, domain: headEdges, integersOnly: true, showsGrid: false)
    }
}
