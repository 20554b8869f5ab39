import Plotting
import TensorCore

/// What RoPE and a Hadamard rotation do to the distribution: kurtosis, distance to a Gaussian and channel range by layer.
public enum RotationEffect: Figure {
    public static let id = "rotation-effect"
    public static let summary = "kurtosis, distance to a Gaussian and widest channel before and after RoPE and rotation"
    public static let tables = ["transform-effects"]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    private static let measures: [(column: String, title: String)] = [
        ("excess_kurtosis", "Excess kurtosis"), ("ks_distance", "Distance to a Gaussian (KS)"),
        ("range_to_median_channel", "Widest channel / median"),
    ]
    /// A rotation is said to help from this factor in the widest channel's ratio on.
    private static let helpsFrom = 1.25

    private struct State: Hashable {
        let tensor: String
        let transform: String

        /// `keys before RoPE`, `keys, rotated`.
        var name: String {
            Wording.plural(tensor)
                + (transform == "none" ? "" : transform == "hadamard" ? ", rotated" : ", \(transform)")
        }

        /// Keys before and after RoPE are one vector.
        var letter: String { Wording.letter(tensor) }
    }

    private struct Row {
        let layer: Int
        let state: State
        let values: [Double]
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: ["layer", "tensor", "transform"] + measures.map { $0.column })
        let all: [Row] = table.rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let transform = row.string("transform")
            else { return nil }
            let values = measures.map { row.number($0.column) ?? .nan }
            guard values.contains(where: \.isFinite) else { return nil }
            return Row(layer: layer, state: State(tensor: tensor, transform: transform), values: values)
        }
        guard !all.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let tensors = try input.tensors(present: all.map { $0.state.tensor }, usual: ["key_pre_rope", "key", "value"])
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.state.tensor) && layers.contains($0.layer) }
        // A rotation before RoPE is another matter than one of what the cache holds.
        let states = unique(shown.map { $0.state }).filter { state in
            state.tensor != "key_pre_rope" || state.transform == "none" || !tensors.contains("key")
        }.sorted { order($0, tensors) < order($1, tensors) }
        let letters = unique(states.map { $0.letter })
        let panels = try measures.indices.flatMap { measure in
            try letters.compactMap { letter in
                try panel(
                    measure,
                    shown,
                    states.filter { $0.letter == letter },
                    layers,
                    isLast: measure == measures.count - 1,
                    domain: domain(measure, shown, states)
                )
            }
        }
        guard !panels.isEmpty else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers and tensors")
        }
        return try Plot(
            title: title(shown),
            subtitle:
                "One dot a layer and state, joined within a layer; the closer to the floor, the easier to quantize",
            caption: input.caption(
                "Rotated: each head's vector times a Hadamard matrix. Excess kurtosis is 0 for a Gaussian; its axis is "
                    + "logarithmic both ways from zero. KS: Kolmogorov–Smirnov. Widest channel: by largest |x|, against "
                    + "the median channel of the layer's tensor."
            ),
            columns: min(letters.count, 2),
            panels: panels
        )
    }

    private static func order(_ state: State, _ tensors: [String]) -> Int {
        (tensors.firstIndex(of: state.tensor) ?? tensors.count) * 2 + (state.transform == "none" ? 0 : 1)
    }

    /// Panels of one measure share their axis, so that keys compare with values.
    private static func domain(_ measure: Int, _ rows: [Row], _ states: [State]) -> ClosedRange<Double>? {
        let values = rows.filter { states.contains($0.state) }.map { $0.values[measure] }
            .filter { $0.isFinite && (measure == 0 || $0 > 0) }
        guard let low = values.min(), let high = values.max() else { return nil }
        if measure == 0 { return (low - 0.3 - abs(low) / 4)...(high + 0.3 + abs(high) / 4) }
        return (low / 1.25)...(max(high, low * 1.5) * 1.25)
    }

    private static func panel(
        _ measure: Int,
        _ rows: [Row],
        _ states: [State],
        _ layers: [Int],
        isLast: Bool,
        domain: ClosedRange<Double>?
    ) throws -> Panel? {
        let isKurtosis = measure == 0
        func value(_ state: State, _ layer: Int) -> Double {
            let value = rows.first { $0.state == state && $0.layer == layer }?.values[measure] ?? .nan
            return isKurtosis || value > 0 ? value : .nan
        }
        var low: [Double] = [], high: [Double] = [], joined: [Double] = []
        for layer in layers {
            let own = states.map { value($0, layer) }.filter(\.isFinite)
            guard own.count > 1, let least = own.min(), let most = own.max() else { continue }
            joined.append(Double(layer))
            low.append(least)
            high.append(most)
        }
        var marks: [any Mark] = []
        if !joined.isEmpty {
            let x = Channel.numbers(joined)
            marks.append(try SegmentMark(x1: x, y1: .numbers(low), x2: x, y2: .numbers(high)))
        }
        for state in states {
            let y = layers.map { value(state, $0) }
            guard y.contains(where: \.isFinite) else { continue }
            marks.append(
                try PointMark(x: .numbers(layers.map { Double($0) }), y: .numbers(y), series: state.name)
            )
        }
        guard marks.contains(where: { $0.series != nil }) else { return nil }
        let letter = states.first?.letter ?? "x"
        return try Panel(
            title: (letter == "K" ? "Keys: " : letter == "V" ? "Values: " : letter == "Q" ? "Queries: " : "")
                + measures[measure].title.lowercasedFirst,
            x: .layers(layers, hasTitle: isLast),
            y: Axis(
                measures[measure].title,
                kind: isKurtosis ? .symmetricLogarithmic : .logarithmic,
                domain: domain
            ),
            marks: marks,
            height: isLast ? 216 : 200
        )
    }

    private static func title(_ rows: [Row]) -> String {
        func middle(_ tensor: String, _ transform: String, _ measure: Int) -> Double {
            median(rows.filter { $0.state == State(tensor: tensor, transform: transform) }.map { $0.values[measure] })
        }
        let tensor = rows.contains { $0.state.tensor == "key" } ? "key" : rows.first?.state.tensor ?? "key"
        let (before, after) = (middle(tensor, "none", 2), middle(tensor, "hadamard", 2))
        let (kurtosis, rest) = (middle(tensor, "none", 0), middle(tensor, "hadamard", 0))
        guard before > 0, after > 0, kurtosis.isFinite, rest.isFinite else {
            return "Distribution before and after RoPE and rotation"
        }
        let numbers =
            "from \(Wording.times(before)) to \(Wording.times(after)) the median, and excess kurtosis from "
            + "\(NumberText.short(kurtosis, digits: 2)) to \(NumberText.short(rest, digits: 2)) (median layer)"
        let what = Wording.plural(tensor)
        return before / after >= helpsFrom
            ? "A Hadamard rotation brings the widest channel of the \(what) \(numbers)"
            : "A Hadamard rotation changes the \(what) little: the widest channel goes \(numbers)"
    }
}
