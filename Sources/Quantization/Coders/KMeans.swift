import Kernels
import TensorCore

/// Lloyd's k-means with the seeding of k-means++, from a fixed seed: one input, one result.
enum KMeans {
    struct Result {
        /// `[cluster][dimension]`
        var centroids: [Float]
        /// Of each point.
        var labels: [Int]
        var cost: Double
    }

    /// - Parameters:
    ///   - points: `[point][dimension]`.
    ///   - weights: of points in the cost; 1 each if `nil`.
    /// - Complexity: O(iterations · points · count · dimensions).
    static func run(
        _ points: [Float],
        dimensions: Int,
        count: Int,
        weights: [Float]? = nil,
        iterations: Int = 20,
        seed: UInt64 = 1
    ) -> Result {
        let pointCount = points.count / dimensions, count = min(count, max(1, pointCount))
        var centroids = seeds(points, dimensions, count, weights, seed)
        var labels = [Int32](repeating: 0, count: pointCount), cost = Double.infinity
        for _ in 0..<iterations {
            var sums = [Double](repeating: 0, count: count * dimensions), masses = [Double](repeating: 0, count: count)
            var total = 0.0
            NearestPoints.find(points, dimensions, centroids, into: &labels)
            for point in 0..<pointCount {
                let label = Int(labels[point]), weight = Double(weights?[point] ?? 1)
                masses[label] += weight
                for i in 0..<dimensions {
                    let value = points[point * dimensions + i], difference = value - centroids[label * dimensions + i]
                    total += weight * Double(difference * difference)
                    sums[label * dimensions + i] += weight * Double(value)
                }
            }
            for cluster in 0..<count where masses[cluster] > 0 {
                for i in 0..<dimensions {
                    centroids[cluster * dimensions + i] = Float(sums[cluster * dimensions + i] / masses[cluster])
                }
            }
            let isSettled = cost - total <= 1e-6 * total
            cost = total
            if isSettled { break }
        }
        return Result(centroids: centroids, labels: labels.map { Int($0) }, cost: cost)
    }

    private static func seeds(
        _ points: [Float],
        _ dimensions: Int,
        _ count: Int,
        _ weights: [Float]?,
        _ seed: UInt64
    ) -> [Float] {
        let pointCount = points.count / dimensions
        guard pointCount > 0 else { return [Float](repeating: 0, count: count * dimensions) }
        var random = SeededGenerator(seed: seed)
        var distances = [Double](repeating: .infinity, count: pointCount), centroids: [Float] = []
        var chosen = Int(random.next() % UInt64(pointCount))
        while true {
            centroids += points[chosen * dimensions..<(chosen + 1) * dimensions]
            if centroids.count == count * dimensions { return centroids }
            var total = 0.0
            for point in 0..<pointCount {
                var distance = 0.0
                for i in 0..<dimensions {
                    let difference = Double(points[point * dimensions + i] - points[chosen * dimensions + i])
                    distance += difference * difference
                }
                distances[point] = min(distances[point], distance * Double(weights?[point] ?? 1))
                total += distances[point]
            }
            var target = random.nextUniform() * total
            chosen = pointCount - 1
            for point in 0..<pointCount where target >= 0 {
                target -= distances[point]
                if target < 0 { chosen = point }
            }
        }
    }
}
