import Kernels

/// - Throws: `SchemeError` if nothing was learnt, or of a block of other sizes.
func checkCalibration(_ scheme: String, _ count: Int, _ expected: Int) throws {
    guard count > 0 || expected == 0 else { throw SchemeError.notCalibrated(scheme: scheme) }
    guard count == expected else {
        throw SchemeError.calibration(
            scheme: scheme,
            problem: "\(count) numbers were learnt where this model has \(expected)"
        )
    }
}

/// Second moments of the rows of a block.
enum Covariance {
    /// `Σ w·xᵀx / n` of some vectors, `[channel, channel]`, in double. Vectors that are not finite are left out.
    static func of(_ x: FloatBlock, rows: Range<Int>, weights: [Double]?) -> [Double] {
        let channels = x.channels
        var plain: [Double] = [], weighted: [Double] = [], count = 0
        plain.reserveCapacity(rows.count * channels)
        for (place, row) in rows.enumerated() {
            let vector = x.elements[row * channels..<(row + 1) * channels]
            guard vector.allSatisfy({ $0.isFinite }) else { continue }
            count += 1
            plain += vector.map { Double($0) }
            if let weight = weights?[place] { weighted += vector.map { weight * Double($0) } }
        }
        guard count > 0 else { return [Double](repeating: 0, count: channels * channels) }
        let sums = LinearAlgebra.transposedProduct(weights == nil ? plain : weighted, plain, rows: count)
        return sums.map { $0 / Double(count) }
    }
}
