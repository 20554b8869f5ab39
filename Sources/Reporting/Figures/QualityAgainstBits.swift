import Plotting
import TensorCore

/// Perplexity and divergence of each cache against the bits that it takes, with the caches that no other beats.
public enum QualityAgainstBits: Figure {
    public static let id = "quality-against-bits"
    public static let summary = "perplexity and divergence of every cache against its bits, with the Pareto front"
    public static let tables = ["quality"]
    public static let parameters: [FigureParameter] = [.scheme]

    private struct Point {
        let cache: String
        let bits: Double
        let perplexity: Double
        let divergence: Double
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: ["cache", "perplexity"])
        guard table.rowViews.contains(where: { ($0.number("perplexity") ?? .nan).isFinite }) else {
            throw input.nothingToShow(in: tables[0], "no cache has a perplexity")
        }
        let (bits, source) = try bits(input, table)
        let hasText = table.index(of: "text") != nil
        let caches = unique(table.rowViews.compactMap { $0.string("cache") })
        let chosen = try input.chosen("scheme", input.selection.schemes, present: caches, default: caches)
        let texts: [String?] = hasText ? unique(table.rowViews.map { $0.string("text") }) : [nil]
        var panels: [Panel] = [], all: [[Point]] = [], unpriced: Set<String> = []
        for text in texts {
            var points: [Point] = [], full: Double?
            for row in table.rowViews where text == nil || row.string("text") == text {
                guard let cache = row.string("cache"), let perplexity = row.number("perplexity"), perplexity.isFinite
                else { continue }
                if cache == "full-f32" || (cache.hasPrefix("full-") && full == nil) { full = perplexity }
                guard chosen.contains(cache), !cache.hasPrefix("full-") else { continue }
                guard let bits = bits[cache] else {
                    unpriced.insert(cache)
                    continue
                }
                let divergence = table.index(of: "divergence_mean").flatMap { _ in row.number("divergence_mean") }
                points.append(
                    Point(cache: cache, bits: bits, perplexity: perplexity, divergence: divergence ?? .nan)
                )
            }
            guard !points.isEmpty else { continue }
            all.append(points)
            let suffix = text.map { ", \($0)" } ?? ""
            panels.append(
                try panel("Perplexity\(suffix)", perplexityAxis(points), points, rule: full) { $0.perplexity }
            )
            if points.contains(where: { $0.divergence > 0 }) {
                panels.append(
                    try panel(
                        "Divergence\(suffix)",
                        Axis("Mean divergence", unit: "nats", kind: .logarithmic),
                        points.filter { $0.divergence > 0 },
                        rule: nil
                    ) { $0.divergence }
                )
            }
        }
        guard !panels.isEmpty else {
            throw input.nothingToShow(in: tables[0], "the bits of none of its caches are known")
        }
        return try Plot(
            title: title(all.first ?? []),
            subtitle: "Quality of the next token against bits an element, one point a cache; lower is better",
            caption: input.caption(
                "\(source) Named, where there is room, are the caches that no other beats in both. Divergence: from a float32 cache.",
                unpriced.isEmpty ? "" : "Bits unknown, so not drawn: \(unpriced.sorted().joined(separator: ", "))."
            ),
            columns: panels.count > 1 ? 2 : 1,
            panels: panels
        )
    }

    /// Bits an element of each cache: as the table says, else as the error study counted, else as generation measured.
    private static func bits(_ input: FigureInput, _ table: Table) throws -> (bits: [String: Double], source: String) {
        func mean(_ table: Table, _ name: String, _ value: (Table.RowView) -> Double?) -> [String: Double] {
            var sums: [String: (sum: Double, count: Double)] = [:]
            for row in table.rowViews {
                guard let cache = row.string(name), let bits = value(row), bits.isFinite, bits > 0 else { continue }
                let sum = sums[cache] ?? (0, 0)
                sums[cache] = (sum.sum + bits, sum.count + 1)
            }
            return sums.mapValues { $0.sum / $0.count }
        }
        if table.index(of: "bits_asymptotic") != nil {
            let bits = mean(table, "cache") { $0.number("bits_asymptotic") }
            if !bits.isEmpty { return (bits, "Bits count codes and all metadata, without the window.") }
        }
        if let errors = input.optionalTable("errors"), errors.index(of: "scheme") != nil,
            errors.index(of: "bits_asymptotic") != nil
        {
            let bits = mean(errors, "scheme") { $0.number("bits_asymptotic") }
            if !bits.isEmpty {
                return (bits, "Bits count codes and all metadata, without the window, as in the error study.")
            }
        }
        if let decode = input.optionalTable("decode"), decode.index(of: "cache") != nil,
            decode.index(of: "compression") != nil
        {
            let bits = mean(decode, "cache") { row in
                row.number("compression").flatMap { $0 > 0 ? 16 / $0 : nil }
            }
            if !bits.isEmpty {
                return (bits, "Bits are those of the generation study after its last step, window included.")
            }
        }
        throw ReportingError.missingTable(
            figure: id,
            table: "errors",
            remedy: "Bits of the caches come from it: list the same schemes under analyses.errors of the manifest, or "
                + "the same caches under analyses.decode."
        )
    }

    /// Logarithmic where some caches lose the text altogether, which would squeeze the rest.
    private static func perplexityAxis(_ points: [Point]) -> Plotting.Axis {
        let values = points.map { $0.perplexity }
        let isWide = (values.max() ?? 1) > 3 * (values.min() ?? 1)
        return Axis("Perplexity", kind: isWide ? .logarithmic : .linear)
    }

    private static func panel(
        _ title: String,
        _ y: Plotting.Axis,
        _ points: [Point],
        rule: Double?,
        _ value: (Point) -> Double
    ) throws -> Panel {
        let front = ParetoFront(points.map { ParetoFront.Point(name: $0.cache, bits: $0.bits, loss: value($0)) })
        let rules: [any Mark] = try rule.map { [try RuleMark(y: $0, label: "full")] } ?? []
        return try Panel(
            title: title,
            x: Axis("Bits an element", includesZero: true),
            y: y,
            marks: rules + front.marks(series: "cache", isLogarithmic: y.kind == .logarithmic),
            height: 320
        )
    }

    /// The fewest bits at which a cache is near full precision.
    private static func title(_ points: [Point]) -> String {
        let known = points.filter { $0.divergence > 0 }
        guard let near = known.filter({ $0.divergence <= 0.01 }).min(by: { $0.bits < $1.bits }) else {
            guard let best = known.min(by: { $0.divergence < $1.divergence }) else {
                return "Quality of each cache against its bits"
            }
            return
                "No cache stays within 0.01 nats of full precision: the nearest, \(SchemeName.short(best.cache)), is at "
                + "\(NumberText.short(best.divergence, digits: 2)) with \(NumberText.short(best.bits)) bits"
        }
        return "\(SchemeName.short(near.cache)) stays within 0.01 nats of full precision with the fewest bits: "
            + "\(NumberText.short(near.bits)) an element"
    }
}
