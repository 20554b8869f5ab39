import Foundation

/// The standard normal distribution.
enum Normal {
    static func density(_ x: Double) -> Double { exp(-0.5 * x * x) / (2 * Double.pi).squareRoot() }
    static func distribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    /// The x below which a share `p` lies, by Newton's method; ±∞ for 0 and 1.
    static func quantile(_ p: Double) -> Double {
        guard p > 0 else { return -.infinity }
        guard p < 1 else { return .infinity }
        var x = 0.0
        for _ in 0..<100 {
            let step = (distribution(x) - p) / max(density(x), 1e-300)
            // Far out Newton's steps overshoot.
            x -= max(-1, min(1, step))
            if abs(step) < 1e-15 { break }
        }
        return x
    }
}

/// Levels of least mean squared error for the standard normal distribution.
enum LloydMax {
    private static let tables: [[Double]] = (0...8).map { bits in bits == 0 ? [0] : solve(1 << bits) }

    /// Sorted; symmetric about zero. - Precondition: a power of two up to 256.
    static func levels(count: Int) -> [Double] { tables[count.trailingZeroBitCount] }

    /// Each level is the mean of what is nearest to it (Lloyd's first method), until nothing moves.
    private static func solve(_ count: Int) -> [Double] {
        var levels = (0..<count).map { Normal.quantile((Double($0) + 0.5) / Double(count)) }
        for _ in 0..<20000 {
            var moved = 0.0
            let borders = [-Double.infinity] + zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 } + [.infinity]
            for index in levels.indices {
                let (a, b) = (borders[index], borders[index + 1])
                let mass = Normal.distribution(b) - Normal.distribution(a)
                guard mass > 0 else { continue }
                let mean = (density(a) - density(b)) / mass
                moved = max(moved, abs(mean - levels[index]))
                levels[index] = mean
            }
            if moved < 1e-12 { break }
        }
        return levels
    }

    private static func density(_ x: Double) -> Double { x.isInfinite ? 0 : Normal.density(x) }
}
