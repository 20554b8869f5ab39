import TensorCore

/// Numbers that sum a run's structure tables up, for sentences and the table of a report.
///
/// Every table may be missing, from an older run, or edited: what cannot be read is not there.
struct StructureNumbers {
    private let tables: [String: Table]

    init(_ tables: [String: Table]) { self.tables = tables }

    /// Tensors that some table of the structure study has, in the order in which figures show them.
    var tensors: [String] {
        let names = ["transform-effects", "spectrum-summary", "locality", "cross-layer", "outlier-stability"]
        let present = names.flatMap { name in rows(name).compactMap { $0.string("tensor") } }
        let usual = ["key_pre_rope", "key", "value", "query"]
        let there = unique(present)
        return usual.filter { there.contains($0) } + there.filter { !usual.contains($0) }.sorted()
    }

    /// Middle of a column over layers and heads; `nil` without a finite value.
    func median(
        _ table: String,
        _ column: String,
        where matches: (Table.RowView) -> Bool = { _ in true }
    ) -> Double? {
        let values = rows(table, with: [column]).filter(matches).compactMap { $0.number(column) }
        let middle = Reporting.median(values)
        return middle.isFinite ? middle : nil
    }

    func median(_ table: String, _ column: String, tensor: String) -> Double? {
        median(table, column) { $0.string("tensor") == tensor }
    }

    /// After a transform; `none` is the tensor as it was captured.
    func effect(_ column: String, tensor: String, transform: String) -> Double? {
        median("transform-effects", column) {
            $0.string("tensor") == tensor && $0.string("transform") == transform
        }
    }

    // MARK: - Stability

    struct Stability {
        /// `text` or `block`.
        let part: String
        let layersWithOutliers: Int
        let layers: Int
        /// Mean over pairs of parts and the layers that have outliers; `nil` without any.
        let jaccard: Double?
        /// Mean over pairs of parts and layers.
        let spearman: Double?
    }

    /// Agreement between texts or, of one text, between its blocks.
    func stability(of tensor: String) -> Stability? {
        let own = stabilityRows.filter { $0.string("tensor") == tensor }
        let texts = own.filter { $0.string("kind") == "sequence" }
        let rows = texts.isEmpty ? own.filter { $0.string("kind") == "block" } : texts
        guard !rows.isEmpty else { return nil }
        let withOutliers = rows.filter { ($0.integer("outliers_a") ?? 0) + ($0.integer("outliers_b") ?? 0) > 0 }
        return Stability(
            part: texts.isEmpty ? "block" : "text",
            layersWithOutliers: Set(withOutliers.compactMap { $0.integer("layer") }).count,
            layers: Set(rows.compactMap { $0.integer("layer") }).count,
            jaccard: Self.mean(rows.compactMap { $0.number("jaccard") }),
            spearman: Self.mean(rows.compactMap { $0.number("spearman") })
        )
    }

    /// Jaccard index of the keys' outlier channels before and after RoPE, mean over the layers that have any.
    var jaccardAcrossRope: Double? {
        Self.mean(stabilityRows.filter { $0.string("kind") == "rope" }.compactMap { $0.number("jaccard") })
    }

    private var stabilityRows: [Table.RowView] {
        rows("outlier-stability", with: ["kind", "outliers_a", "outliers_b", "jaccard", "spearman"])
    }

    // MARK: - Sinks

    struct Sinks {
        let layers: Int
        let layersWithSinks: Int
        /// The token that draws most, over all layers that list it.
        let token: Int
        let position: Int
        let piece: String
        /// Mean over layers, a layer that does not list it counting as 0.
        let share: Double
        /// Medians over layers, against the median token.
        let keyNorm: Double?
        let valueNorm: Double?
    }

    var sinks: Sinks? {
        let rows = rows("attention-sinks", with: ["layer", "token", "position", "attention_share", "is_sink"])
            .filter { ($0.number("attention_share") ?? .nan).isFinite && $0.integer("token") != nil }
        let layers = Set(rows.compactMap { $0.integer("layer") })
        var sums: [Int: Double] = [:]
        for row in rows { sums[row.integer("token") ?? 0, default: 0] += row.number("attention_share") ?? 0 }
        guard let (token, sum) = sums.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { return nil }
        let own = rows.filter { $0.integer("token") == token }
        func middle(_ column: String) -> Double? {
            let value = Reporting.median(own.compactMap { $0.number(column) })
            return value.isFinite ? value : nil
        }
        return Sinks(
            layers: layers.count,
            layersWithSinks: Set(rows.filter { $0.string("is_sink") == "yes" }.compactMap { $0.integer("layer") })
                .count,
            token: token,
            position: own.first?.integer("position") ?? token,
            piece: Wording.piece(own.first?.string("piece") ?? ""),
            share: sum / Double(layers.count),
            keyNorm: middle("key_norm_to_median"),
            valueNorm: middle("value_norm_to_median")
        )
    }

    // MARK: - Reading

    /// Channels of a head, as the spectrum lists components; `nil` without it.
    var channels: Int? { rows("spectrum", with: ["component"]).compactMap { $0.integer("component") }.max() }

    /// Rows of a table that has the columns, else none.
    private func rows(_ name: String, with columns: [String] = []) -> [Table.RowView] {
        guard let table = tables[name], columns.allSatisfy({ table.index(of: $0) != nil }) else { return [] }
        return Array(table.rowViews)
    }

    private static func mean(_ values: [Double]) -> Double? {
        let finite = values.filter(\.isFinite)
        return finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count)
    }
}
