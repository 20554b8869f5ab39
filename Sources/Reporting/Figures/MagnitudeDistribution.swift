import Plotting
import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The empirical distribution function of |x| and its tail, keys beside values.
public enum MagnitudeDistribution: Figure {
    public static let id = "ecdf"
    public static let summary = "share of elements up to each magnitude (ECDF, logarithmic), and the tail beyond"
    public static let tables = [DistributionQuantiles.table]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    /// Share of the elements that the title speaks of, and how far a Gaussian's are from its median magnitude.
    private static let tailShare = 0.001
    private static let gaussianRatio = 3.290_526_7 / 0.674_489_75

    public static func plot(_ input: FigureInput) throws -> Plot {
        let (all, tensors) = try DistributionQuantiles.read(input, layers: DistributionQuantiles.strikingLayers)
        var panels: [Panel] = []
        let layers = Set(all.map { $0.layer }).sorted()
        let domain = domain(all)
        for layer in layers {
            let own = tensors.compactMap { tensor in all.first { $0.layer == layer && $0.tensor == tensor } }
            panels += try pair(layer, own, domain: domain, isLast: layer == layers.last)
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], "every quantile is zero") }
        return try Plot(
            title: title(all),
            subtitle: "Share of elements whose magnitude is at most (left) and more than (right) the one on the axis",
            caption: input.caption(
                "From \(all.map { $0.points.count }.max() ?? 0) quantiles of each layer's tensor, joined by straight lines. "
                    + "Dashed lines mostly lie on another. Dashed rule on the right: one element in 1,000."
            ),
            columns: 2,
            panels: panels
        )
    }

    /// From what only a hundredth lies below to the largest quantile, over all that is shown.
    private static func domain(_ all: [DistributionQuantiles]) -> ClosedRange<Double>? {
        let high = all.flatMap { own in own.points.map { abs($0.value) } }.max() ?? 0
        let low = all.compactMap { $0.magnitude(exceededBy: 0.98) }.filter { $0 > 0 }.min() ?? high / 100
        return high > 0 ? min(low, high / 10)...(high * 1.2) : nil
    }

    private static func pair(
        _ layer: Int,
        _ own: [DistributionQuantiles],
        domain: ClosedRange<Double>?,
        isLast: Bool
    ) throws -> [Panel] {
        guard let domain else { return [] }
        let ratio = domain.upperBound / domain.lowerBound
        let steps = (0...160).map { domain.lowerBound * pow(ratio, Double($0) / 160) }
        var below: [any Mark] = [], above: [any Mark] = [try RuleMark(y: tailShare)]
        for (place, one) in own.enumerated() {
            // With the quantiles' own magnitudes, between which a tail can fall within one step.
            let known = one.points.map { abs($0.value) }.filter { domain.contains($0) }
            let grid = Set(steps + known).sorted()
            let shares = grid.map { one.knownShare(above: $0) }
            guard shares.contains(where: { $0.isFinite && $0 > 0 }) else { continue }
            let name = Wording.plural(one.tensor)
            let covered = own[..<place].filter { Self.coincide($0, one, at: steps) }.count
            let coveredTails = own[..<place].filter { Self.tailsCoincide($0, one, at: steps) }.count
            below.append(
                try LineMark(x: grid, y: grid.map { 1 - one.share(above: $0) }, series: name, covers: covered)
            )
            above.append(
                try LineMark(x: grid, y: shares.map { $0 > 0 ? $0 : .nan }, series: name, covers: coveredTails)
            )
        }
        guard !below.isEmpty else { return [] }
        let title = isLast ? "Magnitude |x| (unitless)" : ""
        return [
            try Panel(
                title: "Layer \(layer): up to a magnitude",
                x: Axis(title, kind: .logarithmic, domain: domain),
                y: Axis("Share of elements", domain: 0...1),
                marks: below,
                height: isLast ? 223 : 206
            ),
            try Panel(
                title: "Layer \(layer): beyond it",
                x: Axis(title, kind: .logarithmic, domain: domain),
                y: Axis("Share of elements", kind: .logarithmic),
                marks: above,
                height: isLast ? 223 : 206
            ),
        ]
    }

    /// Whether one line hides most of the other: apart by less than a line's width at three in four of the magnitudes
    /// where either rises.
    private static func coincide(_ a: DistributionQuantiles, _ b: DistributionQuantiles, at steps: [Double]) -> Bool {
        let pairs = steps.map { (a.share(above: $0), b.share(above: $0)) }.filter {
            (0.02...0.98).contains($0) || (0.02...0.98).contains($1)
        }
        return !pairs.isEmpty && 4 * pairs.count { abs($0 - $1) < 0.015 } >= 3 * pairs.count
    }

    /// The same on a logarithmic axis.
    private static func tailsCoincide(
        _ a: DistributionQuantiles,
        _ b: DistributionQuantiles,
        at steps: [Double]
    ) -> Bool {
        let pairs = steps.map { (a.knownShare(above: $0), b.knownShare(above: $0)) }.filter { $0 > 0 && $1 > 0 }
        return !pairs.isEmpty && pairs.allSatisfy { abs(log10($0 / $1)) < 0.1 }
    }

    private static func title(_ all: [DistributionQuantiles]) -> String {
        let known = all.compactMap { own -> (own: DistributionQuantiles, ratio: Double)? in
            guard let middle = own.magnitude(exceededBy: 0.5), middle > 0,
                let tail = own.magnitude(exceededBy: tailShare)
            else { return nil }
            return (own, tail / middle)
        }
        guard let heaviest = known.max(by: { $0.ratio < $1.ratio }) else { return "Magnitudes of the elements" }
        let place = "the \(Wording.plural(heaviest.own.tensor)) of layer \(heaviest.own.layer)"
        let numbers =
            "\(Wording.times(heaviest.ratio)) the median magnitude (a Gaussian: \(Wording.times(gaussianRatio)))"
        return heaviest.ratio > 2 * gaussianRatio
            ? "One in 1,000 elements of \(place) is beyond \(numbers)"
            : "No heavy tails: one in 1,000 elements of \(place) is beyond \(numbers)"
    }
}
