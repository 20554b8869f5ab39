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
            columns: ["layer", "tensor", "head", "neighbour_cosine", "delta_variance_ratio"]
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
        let cosines = samples(table, "neighbour_cosine")
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
        try add("Neighbouring tokens: cosine", Axis("Cosine", includesZero: true), cosines)
        try add(
            "Neighbouring tokens: variance of the difference",
            Axis("Variance / element’s", includesZero: true),
            samples(table, "delta_variance_ratio"),
            at: 1
        )
        if let other = input.optionalTable(crossLayerTable), has(other, ["prediction_relative_error"]) {
            try add(
                "Predicted from the layer before: error",
                Axis("Relative error", includesZero: true),
                samples(other, "prediction_relative_error"),
                at: 1
            )
        }
        var entropyNote = ""
        if let other = input.optionalTable(entropyTable), has(other, ["entropy_share", "bits", "scheme"]) {
            let (bits, fewest) = fewestBits(other)
            entropyNote = bits.map { "Entropy: of \($0)-bit codes, mean over schemes, with the range over them." } ?? ""
            try add(
                "Entropy of codes",
                Axis("Entropy / bits", includesZero: true),
                samples(fewest, "entropy_share"),
                at: 1
            )
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], "no finite value of the chosen layers") }
        return try Plot(
            title: title(cosines),
            subtitle: "What is alike could be stored once; dashed line: nothing to gain",
            caption: input.caption(
                "Lines: mean over heads; bands: range over heads.",
                panels.contains { $0.title.hasPrefix("Predicted") }
                    ? "Prediction: ridge regression, error on tokens that it was not fitted to." : "",
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

    private static func title(_ cosines: [Sample]) -> String {
        let series = unique(cosines.map { $0.series })
        let middles = series.map { name in (name, median(cosines.filter { $0.series == name }.map { $0.value })) }
        guard let most = middles.max(by: { $0.1 < $1.1 }), let least = middles.min(by: { $0.1 < $1.1 }),
            most.1.isFinite
        else { return "Likeness of neighbouring tokens and layers" }
        func number(_ value: Double) -> String { NumberText.fixed(value, decimals: 2) }
        if most.0 == least.0 { return "Neighbouring tokens have \(most.0) of cosine \(number(most.1)) (median head)" }
        return most.1 - least.1 > 0.1
            ? "Neighbouring tokens are alike in their \(most.0) (cosine \(number(most.1))), less in their \(least.0) "
                + "(\(number(least.1)))"
            : "Neighbouring tokens are about as alike in \(most.0) as in \(least.0): cosine \(number(most.1)) and "
                + number(least.1)
    }
}
