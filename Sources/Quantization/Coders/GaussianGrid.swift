import Foundation
import Kernels
import Synchronization
import TensorCore

/// Points of least mean squared error for normal vectors of a few dimensions, made when they are first used.
///
/// Lloyd's method over a fixed sample, from a fixed start, in an order of operations that no instruction set changes, and
/// rounded at the end: codes must mean the same on every machine. Source: Malinovskii et al., HIGGS, NAACL 2025 (grids by
/// CLVQ, Pagès and Printems 2003).
enum GaussianGrid {
    /// `[point][dimension]`
    static func points(dimensions: Int, count: Int) -> [Float] {
        grids.withLock { grids in
            let key = "\(dimensions)-\(count)"
            if let grid = grids[key] { return grid }
            let grid = make(dimensions, count)
            grids[key] = grid
            return grid
        }
    }

    /// Those made so far.
    private static let grids = Mutex<[String: [Float]]>([:])

    private static func make(_ dimensions: Int, _ count: Int) -> [Float] {
        let (points, weights) = sample(dimensions)
        let pointCount = weights.count
        var random = SeededGenerator(seed: 5)
        var grid = (0..<count * dimensions).map { _ in Float(random.nextGaussian()) }
        // The best density of centroids is flatter than that of the points (Zador).
        let spread = Float((Double(dimensions + 2) / Double(dimensions)).squareRoot())
        for index in grid.indices { grid[index] *= spread }
        var labels = [Int32](repeating: 0, count: pointCount)
        for _ in 0..<120 {
            nearest(points, dimensions, grid, into: &labels)
            var sums = [Double](repeating: 0, count: grid.count), masses = [Double](repeating: 0, count: count)
            for point in 0..<pointCount {
                let label = Int(labels[point]), weight = Double(weights[point])
                masses[label] += weight
                for i in 0..<dimensions {
                    sums[label * dimensions + i] += weight * Double(points[point * dimensions + i])
                }
            }
            var moved: Float = 0
            for cluster in 0..<count where masses[cluster] > 0 {
                for i in 0..<dimensions {
                    let new = Float(sums[cluster * dimensions + i] / masses[cluster])
                    moved = max(moved, abs(new - grid[cluster * dimensions + i]))
                    grid[cluster * dimensions + i] = new
                }
            }
            if moved < 1e-3 { break }
        }
        return grid.map { ($0 * 1024).rounded() / 1024 }
    }

    /// Like ``NearestPoints``, but by plain sums of squares.
    private static func nearest(_ points: [Float], _ dimensions: Int, _ grid: [Float], into labels: inout [Int32]) {
        let count = grid.count / dimensions, total = labels.count
        labels.withUnsafeMutableBufferPointer { target in
            points.withUnsafeBufferPointer { points in
                grid.withUnsafeBufferPointer { grid in
                    nonisolated(unsafe) let labels = target, points = points, grid = grid
                    Parallel.forEachBlock(of: 1024, in: total) { block in
                        for point in block {
                            var best = 0, least = Float.infinity
                            for place in 0..<count {
                                var distance: Float = 0
                                for i in 0..<dimensions {
                                    let difference = points[point * dimensions + i] - grid[place * dimensions + i]
                                    distance += difference * difference
                                }
                                if distance < least { (best, least) = (place, distance) }
                            }
                            labels[point] = Int32(best)
                        }
                    }
                }
            }
        }
    }

    /// Two dimensions: a fine lattice with the density as weights. More: random vectors.
    private static func sample(_ dimensions: Int) -> (points: [Float], weights: [Float]) {
        if dimensions == 2 {
            let side = 256, axis = (0..<side).map { (Float($0) + 0.5) / Float(side) * 9 - 4.5 }
            let points = axis.flatMap { x in axis.flatMap { [x, $0] } }
            return (points, axis.flatMap { x in axis.map { exp(-(x * x + $0 * $0) / 2) } })
        }
        var random = SeededGenerator(seed: 6)
        let count = 1 << 16
        return ((0..<count * dimensions).map { _ in Float(random.nextGaussian()) }, [Float](repeating: 1, count: count))
    }
}
