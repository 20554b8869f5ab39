import Plotting
import TensorCore

/// What neighbouring tokens, neighbouring layers and a coder could still save, layer by layer.
public enum Redundancy: Figure {
    public static let id = "redundancy"
    public static let summary = "likeness of neighbouring tokens and layers, and entropy of codes, by layer"
    public static let tables = ["locality"]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    private static let usualTensors = ["key_pre_rope", "key", "value"]
    private static let crossLayerTable = "cross-layer"
    private static let entropyTable = "code-entropy"

    /// A quantity by layer that one panel shows.
    private struct Sample {
        let layer: Int
        let series: String
        let value: Double
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(
            tables[0],
            columns: ["layer", "tensor", "head", "neighbour_cosine_centred", "delta_variance_ratio"]
        )
        let places = table.rowViews.compactMap { row in
            row.integer("layer").flatMap { layer in row.string("tensor").map { (layer, $0) } }
        }
        guard !places.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let tensors = try input.tensors(present: places.map { $0.1 }, usual: usualTensors)
        let layers = try input.layers(present: places.map { $0.0 })
        func samples(_ table: Table, _ column: String) -> [Sample] {
            table.rowViews.compactMap { row in
                guard let layer = row.integer("layer"), layers.contains(layer), let tensor = row.string("tensor"),
                    tensors.contains(tensor), let value = row.number(column), value.isFinite
                else { return nil }
                return Sample(layer: layer, series: Wording.plural(tensor), value: value)
            }
        }
        let cosines = samples(table, "neighbour_cosine_centred")
        var panels: [Panel] = []
        func add(_ title: String, _ axis: Plotting.Axis, _ samples: [Sample], at one: Double? = nil) throws {
            var marks: [any Mark] = try one.map { [try RuleMark(y: $0)] } ?? []
            // In one order in all figures, so that a tensor keeps its colour.
            for series in tensors.map(Wording.plural) {
                marks += try LayerBand(samples.filter { $0.series == series }.map { ($0.layer, $0.value) })
                    .marks(series: series)
            }
            guard marks.contains(where: { $0.series != nil }) else { return }
            panels.append(try Panel(title: title, x: .layers(layers), y: axis, marks: marks, height: 216))
        }
        try add("Neighbouring tokens: centred cosine", Axis("Cosine", includesZero: true), cosines)
        try add(
            "Neighbours: variance of the difference",
            Axis("Share of variance", includesZero: true),
            samples(table, "delta_variance_ratio"),
            at: 1
        )
        var unexplained: [Sample] = []
        if let other = input.optionalTable(crossLayerTable), has(other, ["unexplained_variance"]) {
            unexplained = samples(other, "unexplained_variance")
            try add(
                "Unexplained by the layer before",
                Axis("Share of variance", includesZero: true),
                unexplained,
                at: 1
            )
        }
        var entropyNote = ""
        if let other = input.optionalTable(entropyTable), has(other, ["entropy_share", "bits", "scheme"]) {
            let (bits, fewest) = fewestBits(other)
            entropyNote = bits.map { "Entropy: of \($0)-bit codes, mean over schemes, with the range over them." } ?? ""
            try add(
                "Entropy of codes",
                Axis("Entropy, share of the bits", includesZero: true),
                samples(fewest, "entropy_share"),
                at: 1
            )
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], "no finite value of the chosen layers") }
        return try Plot(
            title: title(cosines, unexplained),
            subtitle: "What is alike could be stored once; dashed line: nothing to gain",
            caption: input.caption(
                "Lines: mean over heads; bands: range over heads. Centred: less the mean vector of the head.",
                unexplained.isEmpty
                    ? "" : "Layer before: ridge regression, 1 − R² on tokens that it was not fitted to.",
                entropyNote
            ),
            columns: 2,
            panels: panels
        )
    }

    private static func has(_ table: Table, _ columns: [String]) -> Bool {
        (["layer", "tensor"] + columns).allSatisfy { table.index(of: $0) != nil }
    }

    private static func fewestBits(_ table: Table) -> (bits: Int?, table: Table) {
        let bits = table.rowViews.compactMap { $0.integer("bits") }.min()
        return (bits, table.filter { $0.integer("bits") == bits })
    }

    private static func title(_ cosines: [Sample], _ unexplained: [Sample]) -> String {
        let middles = medians(cosines)
        guard let most = middles.max(by: { $0.value < $1.value }), let least = middles.min(by: { $0.value < $1.value })
        else { return "Likeness of neighbouring tokens and layers" }
        func number(_ value: Double) -> String { NumberText.fixed(value, decimals: 2) }
        let other = most.series == least.series ? "" : " and of \(number(least.value)) in their \(least.series)"
        let alike =
            "Less the mean, neighbouring tokens have a median cosine of \(number(most.value)) in their "
            + "\(most.series)\(other)"
        guard let known = medians(unexplained).min(by: { $0.value < $1.value }) else { return alike }
        return known.value < 1
            ? "\(alike); the layer before explains \(Wording.percent(1 - known.value)) of the variance, in the median, of the "
                + known.series
            : "\(alike); the layer before explains nothing"
    }

    /// The middle of each series, in their order; without those that have none.
    private static func medians(_ samples: [Sample]) -> [(series: String, value: Double)] {
        unique(samples.map { $0.series }).map { name in
            (name, median(samples.filter { $0.series == name }.map { $0.value }))
        }.filter { $0.1.isFinite }
    }
}
