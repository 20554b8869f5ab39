import Kernels
import Statistics
import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Statistics by their definitions, in two passes and float64.
struct ReferenceStatistics {
    let finite: [Double]
    let nanCount: Int
    let infinityCount: Int

    init(_ values: [Float]) {
        finite = values.filter { $0.isFinite }.map(Double.init)
        nanCount = values.count { $0.isNaN }
        infinityCount = values.count { $0.isInfinite }
    }

    var mean: Double { finite.reduce(0, +) / Double(finite.count) }
    var meanAbsolute: Double { finite.reduce(0) { $0 + abs($1) } / Double(finite.count) }

    func centralSum(_ power: Double) -> Double {
        let mean = mean
        return finite.reduce(0) { $0 + pow($1 - mean, power) }
    }

    var excessKurtosis: Double? {
        let second = centralSum(2)
        return second > 0 ? Double(finite.count) * centralSum(4) / (second * second) - 3 : nil
    }

    func nearestRank(_ probability: Double) -> Double? {
        guard !finite.isEmpty else { return nil }
        let rank = Int((probability * Double(finite.count)).rounded(.up))
        return finite.sorted()[max(1, rank) - 1]
    }
}

/// Inputs that every statistic is tried on, by name.
enum SampleInputs {
    /// Gaussian values of each length from 1 to 33.
    static let lengths: [[Float]] = (1...33).map { gaussian($0, seed: UInt64($0)) }

    /// Empty, constant, one outlier, NaN, infinities, nothing finite.
    static let special: [(name: String, values: [Float])] = [
        ("empty", []),
        ("constant", [Float](repeating: 0.3, count: 700)),
        ("zeros of both signs", [0, -0.0, 0, -0.0]),
        ("one outlier", gaussian(600, seed: 1) + [5000]),
        ("outlier first", [-5000] + gaussian(600, seed: 2)),
        ("far from zero", gaussian(600, seed: 3).map { 1000 + $0 }),
        ("NaN", [.nan] + gaussian(40, seed: 4) + [.nan, .signalingNaN]),
        ("infinities", gaussian(300, seed: 5) + [.infinity, -.infinity, .infinity]),
        ("nothing finite", [.nan, .infinity]),
    ]

    static func gaussian(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(generator.nextGaussian()) }
    }
}

extension TensorSummary {
    /// One head of one channel over `values`.
    static func single(_ values: [Float]) -> TensorSummary {
        var accumulator = TensorAccumulator(heads: 1, headDim: 1)
        values.withUnsafeBufferPointer { accumulator.append(float: $0) }
        return accumulator.finish()
    }
}

extension CentralMoments {
    /// Blocks of 256 values, their power sums in float64 about the first finite value, merged in order.
    ///
    /// Unlike `TensorSummary.single` this does without the kernels, which may sum in float32.
    static func plain(_ values: [Float]) -> CentralMoments {
        stride(from: 0, to: values.count, by: 256).reduce(into: CentralMoments()) { moments, first in
            let block = values[first..<min(first + 256, values.count)]
            var sums = Moments(shift: block.first { $0.isFinite } ?? 0)
            sums.nanCount = block.count { $0.isNaN }
            sums.infinityCount = block.count { $0.isInfinite }
            for value in block where value.isFinite {
                let distance = Double(value) - Double(sums.shift)
                sums.count += 1
                sums.minimum = min(sums.minimum, value)
                sums.maximum = max(sums.maximum, value)
                sums.sumAbsolute += Double(value.magnitude)
                sums.power1 += distance
                sums.power2 += distance * distance
                sums.power3 += distance * distance * distance
                sums.power4 += distance * distance * distance * distance
            }
            moments.merge(CentralMoments(sums))
        }
    }
}

/// What the statistics promise against float64 when a kernel sums a piece in float32.
let promisedError = 1e-6

/// |a − b| ≤ tolerance · max(|b|, floor); both missing is equal.
func isClose(_ a: Double?, _ b: Double?, relative tolerance: Double, floor: Double = 0) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= tolerance * max(abs(b), floor)
}
