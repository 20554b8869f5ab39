import Plotting
import TensorCore

/// Standardized quantiles of the elements against those of a Gaussian.
public enum QuantileQuantile: Figure {
    public static let id = "quantile-quantile"
    public static let summary = "quantiles of the elements against a Gaussian's, standardized, by layer"
    public static let tables = [DistributionQuantiles.table]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    /// The line of a Gaussian counts as left from this many times its value on.
    private static let leavesFrom = 1.5

    public static func plot(_ input: FigureInput) throws -> Plot {
        let (all, tensors) = try DistributionQuantiles.read(input, layers: DistributionQuantiles.strikingLayers)
        let known = all.filter { own in
            own.standardDeviation > 0
                && own.points.allSatisfy { (($0.value - own.mean) / own.standardDeviation).isFinite }
        }
        let layers = Set(known.map { $0.layer }).sorted()
        let heights = known.flatMap { own in own.points.map { (($0.value - own.mean) / own.standardDeviation) } }
        guard let low = heights.min(), let high = heights.max() else {
            throw input.nothingToShow(in: tables[0], "every tensor is constant or has no standard deviation")
        }
        let margin = max(high - low, 1) * 0.05
        let panels = try layers.map { layer in
            let own = tensors.compactMap { tensor in known.first { $0.layer == layer && $0.tensor == tensor } }
            return try panel(layer, own, domain: min(low, -4) - margin...max(high, 4) + margin)
        }
        return try Plot(
            title: title(known),
            subtitle: "Standardized quantiles of all elements of a layer; on the dashed line they are a Gaussian's",
            caption: input.caption(
                "Standardized by mean and standard deviation of the layer's tensor; \(count(known)) quantiles. "
                    + "Dashed colours lie on another line. "
                    + "Above the line on the right and below it on the left: tails heavier than a Gaussian's."
            ),
            columns: panels.count == 1 ? 1 : panels.count == 3 ? 3 : 2,
            panels: panels
        )
    }

    private static func count(_ all: [DistributionQuantiles]) -> Int { all.map { $0.points.count }.max() ?? 0 }

    private static func panel(
        _ layer: Int,
        _ own: [DistributionQuantiles],
        domain: ClosedRange<Double>
    ) throws -> Panel {
        var marks: [any Mark] = [DiagonalMark(-4...4)]
        for (place, one) in own.enumerated() {
            let near = 0.012 * (domain.upperBound - domain.lowerBound)
            marks.append(
                try LineMark(
                    x: one.points.map { $0.standardNormal },
                    y: one.points.map { ($0.value - one.mean) / one.standardDeviation },
                    series: Wording.plural(one.tensor),
                    covers: own[..<place].filter { coincide($0, one, within: near) }.count
                )
            )
            let ends = one.points.filter { abs($0.standardNormal) > 2 }
            if !ends.isEmpty {
                marks.append(
                    try PointMark(
                        x: .numbers(ends.map { $0.standardNormal }),
                        y: .numbers(ends.map { ($0.value - one.mean) / one.standardDeviation }),
                        series: Wording.plural(one.tensor),
                        radius: 2
                    )
                )
            }
        }
        return try Panel(
            title: "Layer \(layer)",
            x: Axis(
                "Gaussian quantile (σ)",
                domain: -4.2...4.2,
                ticks: [-4, -2, 0, 2, 4].map { Tick(value: $0, label: NumberText.short($0)) }
            ),
            y: Axis("Quantile of the elements (σ)", domain: domain),
            marks: marks,
            height: 290
        )
    }

    /// Whether two lines hide each other.
    private static func coincide(_ a: DistributionQuantiles, _ b: DistributionQuantiles, within near: Double) -> Bool {
        a.points.count == b.points.count
            && zip(a.points, b.points).allSatisfy { first, second in
                let (one, other) = (
                    (first.value - a.mean) / a.standardDeviation, (second.value - b.mean) / b.standardDeviation
                )
                return first.probability == second.probability && abs(one - other) < near
            }
    }

    private static func title(_ all: [DistributionQuantiles]) -> String {
        let known = all.compactMap { own -> (own: DistributionQuantiles, normal: Double, reach: Double)? in
            guard let first = own.points.first, let last = own.points.last else { return nil }
            let ends = [first, last].map { point in
                (normal: point.standardNormal, reach: (point.value - own.mean) / own.standardDeviation)
            }
            return ends.max { abs($0.reach) < abs($1.reach) }.map { (own, $0.normal, $0.reach) }
        }
        guard let farthest = known.max(by: { abs($0.reach) < abs($1.reach) }), farthest.normal != 0 else {
            return "Quantiles of the elements against a Gaussian's"
        }
        let place = "the \(Wording.plural(farthest.own.tensor)) of layer \(farthest.own.layer)"
        let numbers =
            "\(NumberText.short(farthest.reach, digits: 2))σ where a Gaussian is at "
            + "\(NumberText.short(farthest.normal, digits: 2))σ"
        return abs(farthest.reach) > leavesFrom * abs(farthest.normal)
            ? "Not Gaussian: the outermost quantile shown, of \(place), is at \(numbers)"
            : "Close to a Gaussian: the outermost quantile shown, of \(place), is at \(numbers)"
    }
}
