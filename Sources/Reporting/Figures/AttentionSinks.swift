import Plotting
import TensorCore

/// The tokens that attention gathers at, with the norms of their keys and values.
public enum AttentionSinks: Figure {
    public static let id = "attention-sinks"
    public static let summary = "share of attention by token, largest first, beside the norms of its key and value"
    public static let tables = ["attention-sinks"]
    public static let parameters: [FigureParameter] = [.layer]

    private static let columns = [
        "layer", "token", "position", "piece", "attention_share", "key_norm_to_median", "value_norm_to_median",
        "is_sink",
    ]
    private static let tokenLimit = 12

    private struct Row {
        let layer: Int
        let token: Int
        /// Within its sequence.
        let position: Int
        let piece: String
        let share: Double
        let keyNorm: Double
        let valueNorm: Double
        let isSink: Bool
    }

    /// One token over all layers shown.
    private struct Entry {
        let token: Int
        let position: Int
        let piece: String
        /// Text and number, beside axes.
        var label: String { piece.isEmpty ? "\(token)" : "\(piece)  \(token)" }
        /// Number and text, in sentences.
        var name: String { piece.isEmpty ? "\(token)" : "\(token) (\(piece))" }
        /// Mean over layers; a layer that does not list the token counts as 0.
        let share: Double
        let keyNorm: Double
        let valueNorm: Double
        let sinkLayers: Int
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let all: [Row] = try input.table(tables[0], columns: columns).rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let token = row.integer("token"),
                let share = row.number("attention_share"), share.isFinite
            else { return nil }
            return Row(
                layer: layer,
                token: token,
                position: row.integer("position") ?? token,
                piece: row.string("piece") ?? "",
                share: share,
                keyNorm: row.number("key_norm_to_median") ?? .nan,
                valueNorm: row.number("value_norm_to_median") ?? .nan,
                isSink: row.string("is_sink") == "yes"
            )
        }
        guard !all.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let layers = try input.layers(present: all.map { $0.layer })
        let rows = all.filter { layers.contains($0.layer) }
        let entries = Array(entries(rows, layers: layers.count).prefix(tokenLimit))
        guard let first = entries.first else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers")
        }
        var panels = [try shares(entries)]
        if let norms = try norms(entries) { panels.append(norms) }
        if layers.count > 1 { panels += try byLayer(rows, Array(entries.prefix(3))) }
        return try Plot(
            title: title(first, entries, layers: layers.count),
            subtitle: "Attention that a token receives, mean over heads and the queries that can see it"
                + (layers.count > 1 ? "; norms against the median token" : ""),
            caption: input.caption(
                layers.count > 1
                    ? "Above: mean over \(layers.count) layers, a layer whose 16 largest do not include the token counting "
                        + "as 0. Norms: median over the layers that list it." : "Layer \(layers[0]).",
                "The \(entries.count) tokens with the largest share, each with its number in the capture; a share is of the queries "
                    + "of its own text."
            ),
            columns: panels.count > 1 ? 2 : 1,
            columnWeights: [1.25, 1],
            panels: panels
        )
    }

    private static func entries(_ rows: [Row], layers: Int) -> [Entry] {
        Dictionary(grouping: rows) { $0.token }.map { token, own in
            let piece = Wording.piece(own.first { !$0.piece.isEmpty }?.piece ?? "")
            return Entry(
                token: token,
                position: own.first?.position ?? token,
                piece: piece,
                share: own.reduce(0) { $0 + $1.share } / Double(layers),
                keyNorm: median(own.map { $0.keyNorm }),
                valueNorm: median(own.map { $0.valueNorm }),
                sinkLayers: own.filter { $0.isSink }.count
            )
        }.sorted { ($1.share, $0.token) < ($0.share, $1.token) }
    }

    private static func shares(_ entries: [Entry]) throws -> Panel {
        // Bands are drawn from the bottom: the largest stands on top.
        let shown = Array(entries.reversed())
        return try Panel(
            title: "Attention received",
            x: Axis("Share of attention (%)", includesZero: true),
            y: Axis("", kind: .band),
            marks: [
                try BarMark(
                    y: .names(shown.map { $0.label }),
                    x: shown.map { 100 * $0.share },
                    series: "share of attention"
                )
            ],
            height: height(entries.count)
        )
    }

    private static func height(_ count: Int) -> Double { 76 + max(60, 19 * Double(count)) }

    private static func norms(_ entries: [Entry]) throws -> Panel? {
        let shown = Array(entries.reversed())
        // The bars beside it name the tokens.
        let places = Channel.numbers(shown.indices.map { Double($0) })
        var marks: [any Mark] = [try RuleMark(x: 1)]
        for (series, values) in [("key norm", shown.map { $0.keyNorm }), ("value norm", shown.map { $0.valueNorm })]
        where values.contains(where: { $0 > 0 }) {
            marks.append(
                try PointMark(x: .numbers(values.map { $0 > 0 ? $0 : .nan }), y: places, series: series)
            )
        }
        guard marks.count > 1 else { return nil }
        return try Panel(
            title: "Norms of its key and value",
            x: Axis("Norm / that of the median token", kind: .logarithmic),
            y: Axis("", domain: -0.5...(Double(shown.count) - 0.5), showsGrid: false, ticks: []),
            marks: marks,
            height: height(entries.count)
        )
    }

    /// The share and the key norm of the first tokens, layer by layer.
    private static func byLayer(_ rows: [Row], _ entries: [Entry]) throws -> [Panel] {
        func line(_ entry: Entry, _ value: (Row) -> Double) throws -> LineMark {
            let own = rows.filter { $0.token == entry.token }.sorted { $0.layer < $1.layer }
            return try LineMark(
                x: own.map { Double($0.layer) },
                y: own.map { value($0) },
                series: "token \(entry.name)",
                showsPoints: own.count <= 40
            )
        }
        let layers = rows.map { $0.layer }
        var panels = [
            try Panel(
                title: "Attention received, by layer",
                x: .layers(layers),
                y: Axis("Share of attention (%)", includesZero: true),
                marks: try entries.map { try line($0) { 100 * $0.share } },
                height: 226
            )
        ]
        let hasNorms = rows.contains { row in row.keyNorm > 0 && entries.contains { $0.token == row.token } }
        if hasNorms {
            panels.append(
                try Panel(
                    title: "Key norm, by layer",
                    x: .layers(layers),
                    y: Axis("Norm / median token’s", kind: .logarithmic),
                    marks: try entries.map { try line($0) { $0.keyNorm > 0 ? $0.keyNorm : .nan } },
                    height: 226
                )
            )
        }
        return panels
    }

    private static func title(_ first: Entry, _ entries: [Entry], layers: Int) -> String {
        let share = Wording.percent(first.share)
        let sinks = entries.filter { 2 * $0.sinkLayers > layers }
        guard !sinks.isEmpty else {
            return
                "No token is an attention sink in most layers: the first by share, token \(first.name), gets \(share)"
        }
        let norm =
            first.keyNorm > 0
            ? "; its key’s norm is \(Wording.times(first.keyNorm)) the median token’s" : ""
        let openings = sinks.filter { $0.position == 0 }
        // Each text has a first token of its own, and shares are of the attention that can see a token.
        if openings.count > 1, let least = openings.map(\.share).min(), first.position == 0 {
            return "The first token of each text draws \(Wording.percent(least)) to \(share) of the attention within it"
                + norm.replacing("its key", with: "\(first.piece.isEmpty ? "token \(first.token)" : first.piece)’s key")
        }
        let others = sinks.count == 1 ? "" : ", the largest of \(sinks.count) sinks"
        return "Token \(first.name) draws \(share) of the attention that can see it\(others)\(norm)"
    }
}
