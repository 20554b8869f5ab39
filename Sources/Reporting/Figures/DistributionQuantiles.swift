import Plotting
import TensorCore

/// Quantiles of the elements of one layer's tensor, from table `distribution-quantiles`.
struct DistributionQuantiles {
    static let table = "distribution-quantiles"
    static let columns = [
        "layer", "tensor", "probability", "value", "standard_normal", "sample_mean", "sample_standard_deviation",
    ]
    /// What figures show unless asked otherwise.
    static let usualTensors = ["key_pre_rope", "key", "value"]

    struct Point {
        let probability: Double
        let value: Double
        let standardNormal: Double
    }

    let layer: Int
    let tensor: String
    let mean: Double
    let standardDeviation: Double
    /// From the lowest probability on; both coordinates grow.
    let points: [Point]

    /// Every complete distribution of the selected layers and tensors, by layer.
    static func read(_ input: FigureInput, layers fallback: ([DistributionQuantiles]) -> [Int]) throws -> (
        distributions: [DistributionQuantiles], tensors: [String]
    ) {
        struct Key: Hashable {
            let layer: Int
            let tensor: String
        }
        let table = try input.table(table, columns: columns)
        var points: [Key: [Point]] = [:], moments: [Key: (mean: Double, deviation: Double)] = [:], order: [Key] = []
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let probability = row.number("probability"), probability > 0, probability < 1,
                let value = row.number("value"), value.isFinite,
                let normal = row.number("standard_normal"), normal.isFinite
            else { continue }
            let key = Key(layer: layer, tensor: tensor)
            if points[key] == nil {
                order.append(key)
                moments[key] = (
                    row.number("sample_mean") ?? .nan, row.number("sample_standard_deviation") ?? .nan
                )
            }
            points[key, default: []].append(Point(probability: probability, value: value, standardNormal: normal))
        }
        let all = order.map { key in
            DistributionQuantiles(
                layer: key.layer,
                tensor: key.tensor,
                mean: moments[key]?.mean ?? .nan,
                standardDeviation: moments[key]?.deviation ?? .nan,
                points: (points[key] ?? []).sorted { $0.probability < $1.probability }
            )
        }.sorted { ($0.layer, $0.tensor) < ($1.layer, $1.tensor) }
        guard !all.isEmpty else { throw input.nothingToShow(in: Self.table) }
        let tensors = try input.tensors(present: all.map { $0.tensor }.sorted(), usual: usualTensors)
        let shown = all.filter { tensors.contains($0.tensor) }
        let layers = try input.layers(present: all.map { $0.layer }) { _ in fallback(shown) }
        return (shown.filter { layers.contains($0.layer) }, tensors)
    }

    /// The quantile of a probability that the table holds, or `nil`.
    func quantile(_ probability: Double) -> Double? {
        points.first { abs($0.probability - probability) <= 1e-9 }?.value
    }

    /// Share of elements below a value, between quantiles by straight lines; outside them the outermost probability.
    func share(below value: Double) -> Double {
        guard let first = points.first, let last = points.last else { return .nan }
        if value < first.value { return 0 }
        if value >= last.value { return 1 }
        let above = points.firstIndex { $0.value > value } ?? points.count - 1
        let (low, high) = (points[max(above - 1, 0)], points[above])
        guard high.value > low.value else { return high.probability }
        return low.probability
            + (high.probability - low.probability) * (value - low.value) / (high.value - low.value)
    }

    /// Share of elements whose magnitude is above a positive value.
    func share(above magnitude: Double) -> Double { 1 - share(below: magnitude) + share(below: -magnitude) }

    /// The same; `nan` where it is less than the table can tell.
    func knownShare(above magnitude: Double) -> Double {
        let share = share(above: magnitude)
        return share >= leastShare ? share : .nan
    }

    /// The magnitude that a share of all elements is above, by halving; `nil` without such.
    func magnitude(exceededBy share: Double) -> Double? {
        guard share >= leastShare, var high = points.map({ abs($0.value) }).max(), high > 0 else { return nil }
        var low = 0.0
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if self.share(above: middle) > share { low = middle } else { high = middle }
        }
        return high
    }

    /// Below this, a share of magnitudes is unknown: the outermost quantiles' tails.
    private var leastShare: Double {
        (points.first?.probability ?? 0) + 1 - (points.last?.probability ?? 1)
    }

    /// How far the outermost quantile lies from the median, in half-widths of the middle half.
    var tailReach: Double? {
        guard let median = quantile(0.5), let low = quantile(0.25), let high = quantile(0.75), high > low,
            let first = points.first, let last = points.last
        else { return nil }
        return max(last.value - median, median - first.value) / ((high - low) / 2)
    }

    /// The same of a Gaussian, at the same probabilities.
    var gaussianReach: Double {
        let outermost = max(abs(points.first?.standardNormal ?? 0), abs(points.last?.standardNormal ?? 0))
        return outermost / 0.674_489_75
    }

    /// The first and the last layer, and the one with the heaviest tails or, if that is one of them, the middle one.
    static func strikingLayers(_ all: [DistributionQuantiles]) -> [Int] {
        let layers = Set(all.map { $0.layer }).sorted()
        guard layers.count > 3 else { return layers }
        let heaviest = all.max { ($0.tailReach ?? 0) < ($1.tailReach ?? 0) }?.layer ?? layers[0]
        let isAtEnd = heaviest == layers[0] || heaviest == layers[layers.count - 1]
        return [layers[0], isAtEnd ? layers[layers.count / 2] : heaviest, layers[layers.count - 1]]
    }
}
