import Plotting
import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Letter-value boxes of the elements of every layer: the middle half, and each half of what is left, down to the tails.
///
/// Source: Hofmann, Wickham and Kafadar, "Letter-value plots: boxplots for large data" (JCGS 2017).
public enum LetterValues: Figure {
    public static let id = "letter-values"
    public static let summary = "distribution of all elements in every layer: letter-value boxes down to the tails"
    public static let tables = [DistributionQuantiles.table]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    /// Tails beyond 2⁻ᵏ on either side.
    private static let depths = 2...14
    /// Shades of the ramp, from the outermost box to the middle half.
    private static let shades = 6...28
    /// A distribution is said to be heavy-tailed from this many times a Gaussian's reach on.
    private static let heavyFrom = 2.0

    public static func plot(_ input: FigureInput) throws -> Plot {
        let (all, tensors) = try DistributionQuantiles.read(input) { Set($0.map { $0.layer }).sorted() }
        let panels = try tensors.compactMap { tensor in
            try panel(tensor, all, isFirst: tensor == tensors.first, isLast: tensor == tensors.last)
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], "no layer has quartiles") }
        return try Plot(
            title: title(all),
            subtitle:
                "Elements of each layer: the widest box holds the middle half, each further pair half of the rest",
            caption: input.caption(
                "Line across a box: median. Boxes end at the quantiles 2⁻ᵏ and 1 − 2⁻ᵏ, k = 2 … \(deepest(all)); "
                    + "elements beyond the outermost are not drawn.",
                panels.contains { $0.isSymmetricLogarithmic }
                    ? "Where tails are long, the axis is logarithmic both ways from zero." : ""
            ),
            panels: panels.map { $0.panel }
        )
    }

    private static func level(_ depth: Int) -> Int {
        let span = Double(depths.upperBound - depths.lowerBound)
        let fraction = Double(depths.upperBound - depth) / span
        return shades.lowerBound + Int((fraction * Double(shades.upperBound - shades.lowerBound)).rounded())
    }

    private static func tail(_ depth: Int) -> Double { 1 / Double(1 << depth) }

    private static func deepest(_ all: [DistributionQuantiles]) -> Int {
        depths.last { depth in all.contains { $0.quantile(tail(depth)) != nil } } ?? depths.lowerBound
    }

    private static func panel(
        _ tensor: String,
        _ all: [DistributionQuantiles],
        isFirst: Bool,
        isLast: Bool
    ) throws -> (panel: Panel, isSymmetricLogarithmic: Bool)? {
        let known = all.filter { $0.tensor == tensor && $0.quantile(0.25) != nil && $0.quantile(0.75) != nil }
        guard !known.isEmpty else { return nil }
        var marks: [any Mark] = []
        for depth in depths {
            let width = 0.86 * max(0.16, 1 - 0.075 * Double(depth - depths.lowerBound))
            var x: [Double] = [], low: [Double] = [], high: [Double] = []
            for own in known {
                guard let outerLow = own.quantile(tail(depth)), let outerHigh = own.quantile(1 - tail(depth)) else {
                    continue
                }
                if depth == depths.lowerBound {
                    x.append(Double(own.layer))
                    low.append(outerLow)
                    high.append(outerHigh)
                } else if let innerLow = own.quantile(tail(depth - 1)),
                    let innerHigh = own.quantile(1 - tail(depth - 1))
                {
                    x += [Double(own.layer), Double(own.layer)]
                    low += [outerLow, innerHigh]
                    high += [innerLow, outerHigh]
                }
            }
            guard !x.isEmpty else { continue }
            marks.append(try BoxMark(x: .numbers(x), low: low, high: high, width: width, level: level(depth)))
        }
        let medians = known.compactMap { own in own.quantile(0.5).map { (Double(own.layer), $0) } }
        if !medians.isEmpty {
            marks.append(try LevelMark(x: .numbers(medians.map { $0.0 }), y: medians.map { $0.1 }, width: 0.86))
        }
        let reaches = known.map { own in own.points.map { abs($0.value) }.max() ?? 0 }
        let middles = known.compactMap { own in
            own.quantile(0.75).flatMap { high in own.quantile(0.25).map { (high - $0) / 2 } }
        }.filter { $0 > 0 }
        let scale = median(middles)
        let isLong = scale > 0 && (reaches.max() ?? 0) > 20 * scale
        // One bar explains the shades of all panels.
        let deepest = max(deepest(all), depths.lowerBound + 1)
        return (
            try Panel(
                title: Wording.capitalized(Wording.plural(tensor)),
                x: .layers(known.map { $0.layer }, hasTitle: isLast),
                y: Axis(
                    "Element \(Wording.letter(tensor)) (unitless)",
                    kind: isLong ? .symmetricLogarithmic : .linear,
                    linearWithin: isLong ? powerOfTen(near: scale) : 1
                ),
                marks: marks,
                colorBar: !isFirst
                    ? nil
                    : ColorBar(
                        ramp: .lagoon,
                        domain: -Double(deepest)...(-Double(depths.lowerBound)),
                        title: "beyond, each side",
                        levels: level(deepest)...level(depths.lowerBound),
                        ticks: stride(from: depths.lowerBound, through: deepest, by: 2).map {
                            Tick(value: -Double($0), label: "1/\(NumberText.short(Double(1 << $0), digits: 7))")
                        }
                    ),
                height: 236
            ), isLong
        )
    }

    /// Where a symmetric logarithmic axis turns, so that most elements lie on its linear part.
    private static func powerOfTen(near scale: Double) -> Double { pow(10, log10(scale).rounded()) }

    private static func title(_ all: [DistributionQuantiles]) -> String {
        let known = all.compactMap { own in own.tailReach.map { (own: own, reach: $0) } }
        guard let heaviest = known.max(by: { $0.reach < $1.reach }), heaviest.own.gaussianReach > 0 else {
            return "Distribution of the elements of every layer"
        }
        let gaussian = heaviest.own.gaussianReach
        let heavy = known.filter { $0.reach > heavyFrom * $0.own.gaussianReach }
        let place = "the \(Wording.plural(heaviest.own.tensor)) of layer \(heaviest.own.layer)"
        let numbers =
            "\(Wording.times(heaviest.reach)) the half-width of their middle half (a Gaussian: \(Wording.times(gaussian)))"
        return heavy.isEmpty
            ? "No heavy tails: even \(place) reach only \(numbers)"
            : "Tails of \(place) reach \(numbers)"
    }
}
