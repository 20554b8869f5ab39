import TensorCore

/// The table `compare-structure`: measures of the structure study side by side.
///
/// Two models have other layers, heads and texts, so a measure is the mean over all of them.
struct StructureComparison {
    private(set) var table = Table(
        name: "compare-structure",
        meaning: "One measure of the structure study in both: mean over layers, heads and parts that have it.",
        columns: [
            .init("table", .string, "table of the structure study that has the measure"),
            .init("tensor", .string, "key, key_pre_rope, value, query; missing where a table is of attention"),
            .init("series", .string, "transform, definition, kind, scheme or tile of the rows; missing without any"),
            .init(
                "measure",
                .string,
                "column of that table; of attention-sinks, sinks_per_layer and the largest attention_share of a layer"
            ),
        ] + NumberDifference.columns() + [
            .init(
                "scaled_difference",
                .number,
                "|value_b - value_a| over the largest magnitude of the measure in this table, so that noise about 0 "
                    + "counts little"
            )
        ]
    )
    /// Tables of which both have rows.
    private(set) var compared: [String] = []

    /// A table of which means over places say something, the column that parts its rows, and its measures.
    struct Source {
        let table: String
        var series: String?
        let measures: [String]
    }

    static let sinks = "attention-sinks"
    static let sources = [
        Source(
            table: "outlier-definitions",
            series: "definition",
            measures: ["element_share", "channel_share", "token_share"]
        ),
        Source(table: "outlier-stability", series: "kind", measures: ["spearman", "jaccard"]),
        Source(
            table: "transform-effects",
            series: "transform",
            measures: [
                "excess_kurtosis", "absolute_maximum", "range_to_median_channel", "outlier_channels_5x", "ks_distance",
                "tail_mass_9973",
            ]
        ),
        Source(
            table: "attention-profile",
            measures: [
                "entropy", "sparsity", "first_\(LayerAttention.firstTokens)_share",
                "recent_\(LayerAttention.recentTokens)_share", "tokens_for_90",
            ]
        ),
        Source(
            table: "locality",
            measures: ["neighbour_cosine_centred", "neighbour_cosine", "delta_variance_ratio"]
        ),
        Source(
            table: "spectrum-summary",
            measures: ["effective_rank", "stable_rank", "components_90", "components_99"]
        ),
        Source(table: "cross-layer", measures: ["unexplained_variance", "delta_variance_ratio"]),
        Source(table: "code-entropy", series: "scheme", measures: ["entropy_bits"]),
        Source(table: "tile-imbalance", series: "tile", measures: ["row_imbalance", "column_imbalance"]),
    ]

    private struct Key: Hashable {
        let tensor: String?
        let series: String?
        let measure: String
    }

    init(_ a: [String: Table], _ b: [String: Table]) {
        for source in Self.sources {
            guard let one = a[source.table], let other = b[source.table] else { continue }
            add(source.table, Self.means(one, source), Self.means(other, source))
        }
        if let one = a[Self.sinks], let other = b[Self.sinks] {
            add(Self.sinks, Self.sinkMeans(one), Self.sinkMeans(other))
        }
    }

    private typealias Means = [(key: Key, value: Double)]

    private mutating func add(_ name: String, _ a: Means, _ b: Means) {
        let others = Dictionary(uniqueKeysWithValues: b.map { ($0.key, $0.value) })
        let pairs = a.compactMap { entry in
            others[entry.key].map { (entry.key, NumberDifference(a: entry.value, b: $0)) }
        }
        guard !pairs.isEmpty else { return }
        compared.append(name)
        var scales: [String: Double] = [:]
        for (key, numbers) in pairs {
            let magnitude = max(abs(numbers.a ?? 0), abs(numbers.b ?? 0))
            scales[key.measure] = max(scales[key.measure] ?? 0, magnitude)
        }
        for (key, numbers) in pairs {
            let scale = scales[key.measure] ?? 0
            let scaled = scale > 0 ? abs(numbers.difference ?? 0) / scale : 0
            table.append(
                [
                    .string(name), key.tensor.map { .string($0) } ?? .missing,
                    key.series.map { .string($0) } ?? .missing, .string(key.measure),
                ] + numbers.cells + [.number(scaled)]
            )
        }
    }

    /// Means of the finite numbers, in the table's order.
    private static func means(_ table: Table, _ source: Source) -> Means {
        let measures = source.measures.filter { table.index(of: $0) != nil }
        let hasTensor = table.index(of: "tensor") != nil
        let series = source.series.flatMap { table.index(of: $0) == nil ? nil : $0 }
        var order: [Key] = [], sums: [Key: (sum: Double, count: Int)] = [:]
        for row in table.rowViews {
            for measure in measures {
                guard let value = row.number(measure), value.isFinite else { continue }
                let key = Key(
                    tensor: hasTensor ? row.string("tensor") : nil,
                    series: series.flatMap { row.string($0) },
                    measure: measure
                )
                if sums[key] == nil { order.append(key) }
                let old = sums[key] ?? (0, 0)
                sums[key] = (old.sum + value, old.count + 1)
            }
        }
        return order.map { key in (key, sums[key].map { $0.sum / Double($0.count) } ?? 0) }
    }

    /// Listed tokens are chosen by their share, so that a mean over them says nothing.
    private static func sinkMeans(_ table: Table) -> Means {
        var sinks: [Int: Int] = [:], largest: [Int: Double] = [:]
        for row in table.rowViews {
            guard let layer = row.integer("layer") else { continue }
            sinks[layer, default: 0] += row.string("is_sink") == "yes" ? 1 : 0
            if let share = row.number("attention_share"), share.isFinite {
                largest[layer] = max(largest[layer] ?? 0, share)
            }
        }
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        let all = [
            ("sinks_per_layer", mean(sinks.sorted { $0.key < $1.key }.map { Double($0.value) })),
            ("largest_attention_share", mean(largest.sorted { $0.key < $1.key }.map { $0.value })),
        ]
        return all.compactMap { name, value in
            value.map { (Key(tensor: nil, series: nil, measure: name), $0) }
        }
    }
}
