import Plotting
import TensorCore

/// How far each cache takes the next token's distribution from full precision: over all tokens, and by position.
public enum QualityByCache: Figure {
    public static let id = "quality-by-cache"
    public static let summary = "divergence of the next token from full precision, one row a cache, and by position"
    public static let tables = ["quality"]
    public static let parameters: [FigureParameter] = [.scheme]

    private static let quantiles: [(column: String, label: String)] = [
        ("divergence_median", "median"), ("divergence_mean", "mean"), ("divergence_p99", "99 %"),
    ]

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: ["cache", "perplexity"] + quantiles.map { $0.column })
        let rows = table.rowViews.filter { ($0.number("divergence_mean") ?? 0) > 0 }
        guard !rows.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "no cache is at any distance")
        }
        let caches = unique(rows.compactMap { $0.string("cache") })
        let chosen = try input.chosen("scheme", input.selection.schemes, present: caches, default: caches)
        // Tables of the command line are of one text and do not name it.
        let texts = table.index(of: "text") == nil ? [nil] : unique(rows.map { $0.string("text") })
        var panels: [Panel] = []
        for text in texts {
            let own = rows.filter { row in
                chosen.contains(row.string("cache") ?? "") && (text == nil || row.string("text") == text)
            }
            if !own.isEmpty { panels.append(try overview(own, text)) }
            if let byPosition = try byPosition(input, chosen, text) { panels.append(byPosition) }
        }
        return try Plot(
            title: title(rows),
            subtitle: "KL divergence of the next token's distribution from that with a float32 cache; lower is better",
            caption: input.caption("Logarithmic axes.", leftOut(table)),
            columns: 1,
            panels: panels
        )
    }

    /// Caches that have no mean, since some of their logits were not finite.
    private static func leftOut(_ table: Table) -> String {
        guard table.index(of: "non_finite_tokens") != nil else { return "" }
        let names = table.rowViews.filter { ($0.integer("non_finite_tokens") ?? 0) > 0 }.compactMap {
            $0.string("cache")
        }
        guard !names.isEmpty else { return "" }
        return "Left out, since some of their logits are not finite: \(unique(names).joined(separator: ", "))."
    }

    private static func overview(_ rows: [Table.RowView], _ text: String?) throws -> Panel {
        let names = rows.map { $0.string("cache") ?? "" }
        let marks: [any Mark] = try quantiles.map { column, label in
            try PointMark(
                x: .numbers(rows.map { max($0.number(column) ?? .nan, 1e-9) }),
                y: .names(names),
                series: label
            )
        }
        return try Panel(
            title: text.map { "All scored tokens, \($0)" } ?? "All scored tokens",
            x: Axis("Divergence", unit: "nats", kind: .logarithmic),
            y: Axis("", kind: .band),
            marks: marks,
            height: 96 + 20 * Double(unique(names).count)
        )
    }

    private static func byPosition(_ input: FigureInput, _ caches: [String], _ text: String?) throws -> Panel? {
        guard let table = input.optionalTable("quality-by-position") else { return nil }
        let rows = table.rowViews.filter { row in
            (text == nil || row.string("text") == text) && (row.number("divergence_mean") ?? 0) > 0
        }
        let marks: [any Mark] = try caches.compactMap { cache in
            let line = rows.filter { $0.string("cache") == cache }
            guard line.count > 1 else { return nil }
            return try LineMark(
                x: line.map {
                    (Double($0.integer("first_position") ?? 0) + Double($0.integer("end_position") ?? 0)) / 2
                },
                y: line.map { $0.number("divergence_mean") ?? .nan },
                series: cache,
                showsPoints: true
            )
        }
        guard !marks.isEmpty else { return nil }
        return try Panel(
            title: text.map { "By position in the window, \($0)" } ?? "By position in the window",
            x: Axis("Position", unit: "tokens", integersOnly: true, showsGrid: false),
            y: Axis("Mean divergence", unit: "nats", kind: .logarithmic),
            marks: marks,
            height: 236
        )
    }

    /// The cache that is nearest of those that pack, and the one that is farthest.
    private static func title(_ rows: [Table.RowView]) -> String {
        let packed = rows.filter { !($0.string("cache") ?? "").hasPrefix("full-") }
        let sorted = packed.sorted { ($0.number("divergence_mean") ?? 0) < ($1.number("divergence_mean") ?? 0) }
        guard let near = sorted.first, let far = sorted.last, near.string("cache") != far.string("cache"),
            let name = near.string("cache"), let last = far.string("cache"),
            let low = near.number("divergence_mean"), let high = far.number("divergence_mean")
        else { return "Distance of each cache from full precision" }
        return "\(name) stays within \(NumberText.short(low, digits: 2)) nats of full precision, "
            + "\(last) within \(NumberText.short(high, digits: 2))"
    }
}
