import Kernels

/// How well rows Y follow linearly from rows X: ridge regression on some rows, tried on others.
///
/// Only products of X and Y are kept, so that memory is O((n + m)²) for any number of rows. X gets a column of ones.
/// The damping is a thousandth of the mean diagonal of XᵀX, as in the scheme that predicts a layer from the one before.
/// Source: Shutova et al., AQUA-KV, ICML 2025.
public struct LinearPrediction: Sendable {
    public static let damping = 1e-3

    /// Columns of X, without the ones.
    public let inputs: Int
    /// Columns of Y.
    public let outputs: Int
    private var learnt: Products
    private var tried: Products

    /// XᵀX, XᵀY and ΣY² of some rows.
    private struct Products: Sendable {
        var rows = 0
        var gram: [Double]
        var cross: [Double]
        var energy = 0.0

        init(inputs: Int, outputs: Int) {
            gram = [Double](repeating: 0, count: inputs * inputs)
            cross = [Double](repeating: 0, count: inputs * outputs)
        }

        mutating func add(_ x: [Double], _ y: [Double], rows added: Int) {
            guard added > 0 else { return }
            rows += added
            for (place, value) in LinearAlgebra.transposedProduct(x, x, rows: added).enumerated() {
                gram[place] += value
            }
            for (place, value) in LinearAlgebra.transposedProduct(x, y, rows: added).enumerated() {
                cross[place] += value
            }
            energy += y.reduce(0) { $0 + $1 * $1 }
        }
    }

    public init(inputs: Int, outputs: Int) {
        precondition(inputs >= 0 && outputs >= 0, "\(inputs) inputs, \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        learnt = Products(inputs: inputs + 1, outputs: outputs)
        tried = learnt
    }

    /// Rows to learn from.
    public var learntRows: Int { learnt.rows }

    /// Adds finite rows to learn from: X `[rows, inputs]`, Y `[rows, outputs]`.
    public mutating func learn(_ x: [Double], _ y: [Double], rows: Int) {
        learnt.add(extended(x, rows: rows), y, rows: rows)
    }

    /// Adds finite rows to try the prediction on.
    public mutating func tryOut(_ x: [Double], _ y: [Double], rows: Int) {
        tried.add(extended(x, rows: rows), y, rows: rows)
    }

    /// The share of the variance of Y that the prediction leaves, 1 − R²: ‖prediction − Y‖² / ‖Y − Ȳ‖² over the rows to
    /// try, with Ȳ their mean. Above 1 where their mean would have been the better guess; `nil` without rows of either
    /// sort, or where Y does not vary by more than rounding.
    ///
    /// - Complexity: O((inputs + outputs) · inputs²).
    public func unexplainedVariance() -> Double? {
        let n = inputs + 1
        guard learnt.rows > 0, tried.rows > 0, outputs > 0 else { return nil }
        // The column of ones makes the last row of XᵀY the sums of Y.
        let sums = tried.cross[inputs * outputs..<n * outputs]
        let variation = tried.energy - sums.reduce(0) { $0 + $1 * $1 } / Double(tried.rows)
        guard variation > 1e-12 * tried.energy else { return nil }
        var gram = learnt.gram
        let trace = (0..<n).reduce(0.0) { $0 + gram[$1 * n + $1] }
        for i in 0..<n { gram[i * n + i] += max(1e-9, Self.damping * trace / Double(n)) }
        let columns = (0..<outputs).map { column in (0..<n).map { learnt.cross[$0 * outputs + column] } }
        guard let weights = LinearAlgebra.solve(gram, size: n, columns) else { return nil }
        // ‖XB − Y‖² = tr(Bᵀ XᵀX B) − 2 tr(Bᵀ XᵀY) + ‖Y‖².
        let rows = (0..<n).flatMap { row in weights.map { $0[row] } }
        let product = LinearAlgebra.transposedProduct(tried.gram, rows, rows: n)
        let error = rows.indices.reduce(tried.energy) { $0 + rows[$1] * (product[$1] - 2 * tried.cross[$1]) }
        return max(0, error) / variation
    }

    private func extended(_ x: [Double], rows: Int) -> [Double] {
        precondition(x.count == rows * inputs, "\(x.count) elements of \(rows) × \(inputs)")
        var result: [Double] = []
        result.reserveCapacity(rows * (inputs + 1))
        for row in 0..<rows {
            result += x[row * inputs..<(row + 1) * inputs]
            result.append(1)
        }
        return result
    }
}
