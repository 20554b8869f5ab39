import TensorCore

/// The structure study in one row a tensor: what the tables of layers and heads come to.
enum StructureOverview {
    static let name = "structure-overview"

    private struct Measure: Sendable {
        let name: String
        let meaning: String
        let value: @Sendable (StructureNumbers, String) -> Double?

        init(_ name: String, _ meaning: String, _ value: @escaping @Sendable (StructureNumbers, String) -> Double?) {
            (self.name, self.meaning, self.value) = (name, meaning, value)
        }
    }

    private static func effect(_ name: String, _ column: String, _ transform: String, _ meaning: String) -> Measure {
        Measure(name, meaning) { $0.effect(column, tensor: $1, transform: transform) }
    }

    private static func middle(_ name: String, _ table: String, _ column: String, _ meaning: String) -> Measure {
        Measure(name, meaning) { $0.median(table, column, tensor: $1) }
    }

    private static let measures = [
        Measure("outlier_layers", "Share of the layers with a channel beyond 5 times the median one.") {
            $0.stability(of: $1).map { Double($0.layersWithOutliers) / Double($0.layers) }
        },
        Measure("jaccard", "Jaccard index of the outlier channels between texts, or blocks of one; mean.") {
            $0.stability(of: $1)?.jaccard
        },
        Measure("spearman", "Rank correlation of the channels' max |x| between the same; mean.") {
            $0.stability(of: $1)?.spearman
        },
        effect(
            "range",
            "range_to_median_channel",
            "none",
            "Widest channel's max |x| over the median channel's; median layer."
        ),
        effect("range_rotated", "range_to_median_channel", "hadamard", "The same after a Hadamard rotation of heads."),
        effect("kurtosis", "excess_kurtosis", "none", "Excess kurtosis of the elements; median layer."),
        effect("kurtosis_rotated", "excess_kurtosis", "hadamard", "The same after a Hadamard rotation of heads."),
        middle("effective_rank", "spectrum-summary", "effective_rank", "exp of the entropy of σ/Σσ; median head."),
        middle("components_90", "spectrum-summary", "components_90", "Components with 90 % of Σσ²; median head."),
        middle(
            "neighbour_cosine",
            "locality",
            "neighbour_cosine_centred",
            "Cosine of neighbouring tokens less the mean; median head."
        ),
        middle(
            "unexplained",
            "cross-layer",
            "unexplained_variance",
            "Share of the variance that the layer before does not explain; median layer."
        ),
    ]

    /// - Returns: `nil` where the tables hold none of it.
    static func table(_ tables: [String: Table]) -> Table? {
        let numbers = StructureNumbers(tables)
        let tensors = numbers.tensors
        let known = measures.map { measure in tensors.map { measure.value(numbers, $0) } }
        let shown = measures.indices.filter { known[$0].contains { $0 != nil } }
        guard !shown.isEmpty else { return nil }
        var table = Table(
            name: name,
            meaning: "The structure study in one row a tensor: medians and means over layers, heads and texts.",
            columns: [Table.Column("tensor", .string, "key, key_pre_rope, value or query.")]
                + shown.map { Table.Column(measures[$0].name, .number, measures[$0].meaning) }
        )
        for (place, tensor) in tensors.enumerated() where shown.contains(where: { known[$0][place] != nil }) {
            table.append(
                [.string(tensor)] + shown.map { known[$0][place].map { .number($0) } ?? .missing }
            )
        }
        return table
    }
}
