/// How unequal the rows and the columns of a tile are: what a grid that fits its widest row or column wastes.
///
/// Source: the objective of the scaling by rows and columns in KVarN (2026).
public struct TileImbalance: Sendable, Equatable {
    /// Largest standard deviation of a row over the smallest; at least 1.
    public let rows: Double
    /// Largest standard deviation of a column over the smallest; at least 1.
    public let columns: Double

    public var sum: Double { rows + columns }

    /// - Parameter stride: elements from a row to the next.
    /// - Returns: `nil` if an element is not finite, or a row or column is constant, so that no ratio is finite.
    /// - Complexity: O(rows · columns), two passes.
    public init?(_ tile: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int) {
        guard rows > 1, columns > 1 else { return nil }
        var columnMeans = [Double](repeating: 0, count: columns)
        var columnSquares = columnMeans
        var (least, most) = (Double.infinity, 0.0)
        for row in 0..<rows {
            let first = tile + row * stride
            var mean = 0.0
            for column in 0..<columns {
                mean += Double(first[column])
                columnMeans[column] += Double(first[column])
            }
            mean /= Double(columns)
            var square = 0.0
            for column in 0..<columns { square += (Double(first[column]) - mean) * (Double(first[column]) - mean) }
            guard square.isFinite else { return nil }
            (least, most) = (min(least, square), max(most, square))
        }
        for column in 0..<columns { columnMeans[column] /= Double(rows) }
        for row in 0..<rows {
            let first = tile + row * stride
            for column in 0..<columns {
                let distance = Double(first[column]) - columnMeans[column]
                columnSquares[column] += distance * distance
            }
        }
        guard least > 0, let narrow = columnSquares.min(), let wide = columnSquares.max(), narrow > 0 else {
            return nil
        }
        self.rows = (most / least).squareRoot()
        self.columns = (wide / narrow).squareRoot()
    }
}
