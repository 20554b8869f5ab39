import Kernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The singular values of a matrix X of many rows and few columns, from its Gram matrix XᵀX.
///
/// Squaring costs digits: a singular value below 10⁻⁷ of the largest is lost in rounding, and those below √(n·2⁻⁵²)
/// of it are given as 0.
public struct Spectrum: Sendable, Equatable {
    /// Descending, one a column of X.
    public let singularValues: [Double]
    private let energy: Double

    /// - Returns: `nil` for a Gram matrix with elements that are not finite.
    /// - Precondition: `size` · `size` elements.
    /// - Complexity: O(size³).
    public init?(gram: [Double], size: Int) {
        guard let eigen = LinearAlgebra.symmetricEigen(gram, size: size) else { return nil }
        let floor = (eigen.values.first ?? 0) * Double(size) * Double.ulpOfOne
        let energies = eigen.values.map { $0 > floor ? $0 : 0 }
        singularValues = energies.map { $0.squareRoot() }
        energy = energies.reduce(0, +)
    }

    /// Share of Σσ² that the first 1, 2, … components hold; empty for a zero matrix.
    public var cumulativeEnergyShares: [Double] {
        guard energy > 0 else { return [] }
        var sum = 0.0
        return singularValues.map { value in
            sum += value * value
            return min(1, sum / energy)
        }
    }

    /// exp(−Σ p ln p) with p = σ / Σσ: n for n equal singular values; `nil` for a zero matrix.
    ///
    /// Source: Roy and Vetterli, "The effective rank" (2007).
    public var effectiveRank: Double? {
        let sum = singularValues.reduce(0, +)
        guard sum > 0 else { return nil }
        return exp(-singularValues.filter { $0 > 0 }.reduce(0) { $0 + $1 / sum * log($1 / sum) })
    }

    /// ‖X‖_F² / ‖X‖₂² = Σσ² / σ₁²; `nil` for a zero matrix.
    public var stableRank: Double? {
        guard let largest = singularValues.first, largest > 0 else { return nil }
        return energy / (largest * largest)
    }

    /// The fewest components that hold at least `share` of Σσ²; `nil` for a zero matrix.
    public func components(holding share: Double) -> Int? {
        // What is missing by rounding alone is there.
        cumulativeEnergyShares.firstIndex { $0 >= share - 1e-12 }.map { $0 + 1 }
    }
}
