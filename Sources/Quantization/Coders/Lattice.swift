/// Points of the lattices D4 and E8, and their nearest ones.
///
/// D_n: whole numbers of even sum; E8: D8 and D8 + ½. Source: Conway and Sloane, "Fast quantizing and decoding
/// algorithms for lattice quantizers and codes" (1982).
enum Lattice: String, CaseIterable {
    case d4, e8

    var dimensions: Int { self == .d4 ? 4 : 8 }

    func nearest(_ x: [Float]) -> [Float] {
        let even = Self.even(x)
        guard self == .e8 else { return even }
        let shifted = Self.even(x.map { $0 - 0.5 }).map { $0 + 0.5 }
        return Self.distance(x, even) <= Self.distance(x, shifted) ? even : shifted
    }

    static func distance(_ x: [Float], _ y: [Float]) -> Float {
        zip(x, y).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    /// All rounded; if the sum is odd, the one that rounding moved most goes the other way.
    private static func even(_ x: [Float]) -> [Float] {
        var y = x.map { $0.rounded(.toNearestOrEven) }
        let sum = y.reduce(0, +)
        guard !(sum / 2).isEqual(to: (sum / 2).rounded(.down)) else { return y }
        var worst = 0
        for index in x.indices where abs(x[index] - y[index]) > abs(x[worst] - y[worst]) { worst = index }
        y[worst] += x[worst] >= y[worst] ? 1 : -1
        return y
    }

    /// Rows of a basis; the coordinates of a point are whole numbers.
    var basis: [[Float]] {
        switch self {
        case .d4: [[2, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]].map { $0.map { Float($0) } }
        case .e8:
            [
                [2, 0, 0, 0, 0, 0, 0, 0], [-1, 1, 0, 0, 0, 0, 0, 0], [0, -1, 1, 0, 0, 0, 0, 0],
                [0, 0, -1, 1, 0, 0, 0, 0], [0, 0, 0, -1, 1, 0, 0, 0], [0, 0, 0, 0, -1, 1, 0, 0],
                [0, 0, 0, 0, 0, -1, 1, 0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
            ]
        }
    }

    /// Whole numbers c with c·basis = the point.
    func coordinates(_ point: [Float]) -> [Int] {
        switch self {
        case .d4:
            let (b, c, d) = (point[1], point[2], point[3])
            return [(point[0] - b - c - d) / 2, b, c, d].map { Int($0.rounded()) }
        case .e8:
            // The last row alone has a half at the last place; the others form a staircase.
            let last = 2 * point[7]
            let rest = point.map { $0 - last / 2 }
            var c = [Float](repeating: 0, count: 8)
            c[7] = last
            c[6] = rest[6]
            for row in stride(from: 5, through: 1, by: -1) { c[row] = rest[row] + c[row + 1] }
            c[0] = (rest[0] + c[1]) / 2
            return c.map { Int($0.rounded()) }
        }
    }

    func point(_ coordinates: [Int]) -> [Float] {
        var point = [Float](repeating: 0, count: dimensions)
        for (row, count) in zip(basis, coordinates) {
            for index in point.indices { point[index] += Float(count) * row[index] }
        }
        return point
    }
}
