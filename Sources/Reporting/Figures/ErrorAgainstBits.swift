import Plotting
import TensorCore

/// Error of each scheme against the bits that it takes, one panel a metric, with the schemes that no other beats.
public enum ErrorAgainstBits: Figure {
    public static let id = "error-against-bits"
    public static let summary = "error against bits of every scheme, with the Pareto front, one panel a metric"
    public static let tables = ["errors"]
    public static let parameters: [FigureParameter] = [.scheme, .metric]

    /// Keys, what queries see of them, values, attention scores, attention output.
    private static let usual: [(tensor: String, metric: String)] = [
        ("key", "relative_frobenius"), ("key", "key_query_weighted_error"), ("value", "relative_frobenius"),
        ("key", "score_relative_frobenius"), ("pair", "output_error_pair"),
    ]
    private static let columns = ["tensor", "scheme", "metric", "value", "bits_asymptotic", "window"]
    /// Where a lossless cache is, which would squeeze the rest.
    private static let mostBits = 9.0

    private typealias Point = ParetoFront.Point

    private struct Key: Hashable {
        let tensor: String
        let metric: String
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let (points, windows) = try read(input)
        let metrics = unique(points.keys.map { $0.metric }.sorted())
        let chosen = try input.chosen("metric", input.selection.metrics, present: metrics, default: metrics)
        let panels: [Panel] = try usual.compactMap { tensor, metric -> Panel? in
            guard chosen.contains(metric), let own = points[Key(tensor: tensor, metric: metric)] else { return nil }
            return try panel(tensor, metric, own)
        }
        guard !panels.isEmpty else {
            throw ReportingError.emptyTable(
                figure: id,
                table: tables[0],
                reason: "it has none of the metrics " + usual.map { $0.metric }.joined(separator: ", ")
            )
        }
        var notes = [
            "Mean over layers and KV heads. Bits count codes and all metadata, without the window. Named, where there is "
                + "room, are the schemes that no other beats in both."
        ]
        let lossy = windows.filter { $0 != "none" }
        if lossy.count == 1, windows.count <= 2, let window = lossy.first { notes.append("Window of all: \(window).") }
        return try Plot(
            title: title(points),
            subtitle: "Error against bits an element, one point a scheme; logarithmic, lower is better",
            caption: input.caption(notes),
            columns: panels.count > 1 ? 2 : 1,
            panels: panels
        )
    }

    private static func read(_ input: FigureInput) throws -> (points: [Key: [Point]], windows: Set<String>) {
        struct Sum {
            var error = 0.0, bits = 0.0, count = 0.0
        }
        let table = try input.table(tables[0], columns: columns)
        var sums: [Key: [String: Sum]] = [:], order: [String] = [], windows: Set<String> = []
        for row in table.rowViews {
            guard let tensor = row.string("tensor"), let scheme = row.string("scheme"),
                let metric = row.string("metric"), let value = row.number("value"),
                let bits = row.number("bits_asymptotic"), value.isFinite, value > 0, bits <= mostBits
            else { continue }
            let key = Key(tensor: tensor, metric: metric)
            if sums[key]?[scheme] == nil, !order.contains(scheme) { order.append(scheme) }
            sums[key, default: [:]][scheme, default: Sum()].error += value
            sums[key]?[scheme]?.bits += bits
            sums[key]?[scheme]?.count += 1
            if let window = row.string("window") { windows.insert(window) }
        }
        guard !order.isEmpty else {
            throw ReportingError.emptyTable(
                figure: id,
                table: tables[0],
                reason: "it has no scheme that loses something in at most \(Int(mostBits)) bits"
            )
        }
        let schemes = try input.chosen("scheme", input.selection.schemes, present: order, default: order)
        let points = sums.mapValues { own in
            schemes.compactMap { scheme in
                own[scheme].map { Point(name: scheme, bits: $0.bits / $0.count, loss: $0.error / $0.count) }
            }
        }
        return (points, windows)
    }

    private static func panel(_ tensor: String, _ metric: String, _ points: [Point]) throws -> Panel? {
        guard !points.isEmpty else { return nil }
        return try Panel(
            title: Wording.panel(tensor: tensor, metric: metric),
            x: Axis("Bits an element", includesZero: true),
            y: Axis(Wording.axis(metric), kind: .logarithmic),
            marks: try ParetoFront(points).marks(series: "scheme", isLogarithmic: true),
            height: 330
        )
    }

    /// Who is best at about two and about four bits, by the last panel's metric: the attention output if there is one.
    private static func title(_ points: [Key: [Point]]) -> String {
        let key = usual.reversed().map { Key(tensor: $0.tensor, metric: $0.metric) }.first {
            points[$0]?.isEmpty == false
        }
        guard let key, let own = points[key] else { return "Error against bits" }
        let best = [2.5, 4.6].compactMap { limit -> (bits: Double, name: String)? in
            own.filter { $0.bits <= limit }.min { $0.loss < $1.loss }.map { (limit, SchemeName.short($0.name)) }
        }
        guard let low = best.first, let high = best.last, low.name != high.name else { return range(own) }
        return "\(low.name) errs least up to \(low.bits) bits, \(high.name) up to \(high.bits)"
    }

    /// What the front spans, where it has more than one scheme.
    private static func range(_ points: [Point]) -> String {
        let front = ParetoFront(points).front
        guard let first = front.first, let last = front.last, front.count > 1 else { return "Error against bits" }
        func place(_ point: Point) -> String {
            "\(SchemeName.short(point.name)) at \(NumberText.short(point.bits)) bits"
        }
        return
            "From \(place(first)) to \(place(last)), the error falls from \(NumberText.short(first.loss, digits: 2)) "
            + "to \(NumberText.short(last.loss, digits: 2))"
    }
}
