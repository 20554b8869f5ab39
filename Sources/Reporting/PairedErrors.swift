import Plotting
import TensorCore

/// Errors of per-token and per-channel quantization of one tensor by one
/// metric, layer by layer, from table `per-token-vs-per-channel`.
struct PairedErrors {
    struct Row {
        let layer: Int
        let perToken: Double
        let perChannel: Double
    }

    static let columns = ["layer", "tensor", "metric", "bits", "group_size", "per_token", "per_channel"]
    /// Metrics that the paper's Table 2 reports, in its order.
    private static let headline = [
        "mean_absolute_relative_error", "score_relative_frobenius", "score_relative_error", "output_error_value",
    ]

    /// Metrics to show unless others are asked for; attention scores as a norm where there is one, since
    /// their element-wise error can span thirty decades.
    static func usual(_ present: [String]) -> [String] {
        let wanted = present.filter { headline.contains($0) }
        let hasNorm = present.contains("score_relative_frobenius")
        return wanted.isEmpty ? present : wanted.filter { !hasNorm || $0 != "score_relative_error" }
    }

    let tensor: String
    let metric: String
    let bits: Int
    let groupSize: Int?
    let rows: [Row]

    var layers: [Int] { rows.map { $0.layer } }
    var meanPerToken: Double { rows.map { $0.perToken }.reduce(0, +) / Double(max(rows.count, 1)) }
    var meanPerChannel: Double { rows.map { $0.perChannel }.reduce(0, +) / Double(max(rows.count, 1)) }
    /// Layers in which per-channel quantization errs less.
    var layersForChannel: [Int] { rows.filter { $0.perChannel < $0.perToken }.map { $0.layer } }
    /// Layers in which per-token quantization errs less.
    var layersForToken: [Int] { rows.filter { $0.perToken < $0.perChannel }.map { $0.layer } }

    /// `2 bits, groups of 32`.
    var setting: String {
        "\(bits) bits" + (groupSize.map { $0 > 0 ? ", groups of \($0)" : ", one group" } ?? "")
    }

    /// All pairs, at the fewest bits that each tensor and metric has, in the order of the table.
    ///
    /// Decibels are left out: there, higher is better.
    static func read(_ table: Table) -> [PairedErrors] {
        struct Key: Hashable {
            let tensor: String
            let metric: String
            let bits: Int
            let groupSize: Int?
        }
        var order: [Key] = []
        var rows: [Key: [Row]] = [:]
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let metric = row.string("metric"),
                let bits = row.integer("bits"), let perToken = row.number("per_token"),
                let perChannel = row.number("per_channel"), perToken.isFinite, perChannel.isFinite,
                !metric.hasSuffix("_db")
            else { continue }
            let key = Key(tensor: tensor, metric: metric, bits: bits, groupSize: row.integer("group_size"))
            if rows[key] == nil { order.append(key) }
            rows[key, default: []].append(Row(layer: layer, perToken: perToken, perChannel: perChannel))
        }
        return order.filter { key in
            let rivals = order.filter { $0.tensor == key.tensor && $0.metric == key.metric }
            let fewest = rivals.map { $0.bits }.min()
            return key == rivals.first { $0.bits == fewest }
        }.map { key in
            PairedErrors(
                tensor: key.tensor,
                metric: key.metric,
                bits: key.bits,
                groupSize: key.groupSize,
                rows: (rows[key] ?? []).sorted { $0.layer < $1.layer }
            )
        }
    }

    /// What the pairs show, counted over layers.
    static func title(_ pairs: [PairedErrors]) -> String {
        let sentences = pairs.filter { ($0.tensor == "key") != ($0.metric == "output_error_value") }
        let key = sentences.first { $0.tensor == "key" }
        let value = sentences.last { $0.tensor == "value" && $0.metric == "output_error_value" }
        var parts: [String] = []
        if let key {
            parts.append("keys err less per channel in \(key.layersForChannel.count) of \(key.rows.count) layers")
        }
        if let value {
            parts.append(
                "values harm the output less per token in \(value.layersForToken.count) of \(value.rows.count)"
            )
        }
        if parts.isEmpty, let first = pairs.first {
            parts.append(
                "\(Wording.plural(first.tensor)) err less per channel in \(first.layersForChannel.count) of \(first.rows.count) layers"
            )
        }
        return Wording.capitalized(parts.joined(separator: "; "))
    }
}
