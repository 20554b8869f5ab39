import Plotting
import TensorCore

/// How each query head spreads its attention: four maps of layer × head.
public enum AttentionProfile: Figure {
    public static let id = "attention-profile"
    public static let summary = "sparsity of attention and where it goes, over layer × query head"
    public static let tables = ["attention-profile"]
    public static let parameters: [FigureParameter] = [.layer]

    private static let measures: [(column: String, title: String, unit: String, factor: Double)] = [
        ("first_4_share", "On the first 4 tokens", "%", 100),
        ("recent_64_share", "On the 64 most recent tokens", "%", 100),
        ("tokens_for_90", "Tokens that hold 90 %, of those visible", "%", 100), ("entropy", "Entropy", "nats", 1),
    ]

    private struct Row {
        let layer: Int
        let head: Int
        let values: [Double]
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: ["layer", "head"] + measures.map { $0.column })
        let all: [Row] = table.rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let head = row.integer("head") else { return nil }
            let values = measures.map { (row.number($0.column) ?? .nan) * $0.factor }
            return values.contains(where: \.isFinite) ? Row(layer: layer, head: head, values: values) : nil
        }
        guard !all.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let layers = try input.layers(present: all.map { $0.layer })
        let rows = all.filter { layers.contains($0.layer) }
        let panels = try measures.indices.compactMap { try panel($0, rows, layers) }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], LayerHeadGrid.tooMany) }
        return try Plot(
            title: title(rows),
            subtitle: "Attention of each query head, mean over its queries; every panel has its own colour scale",
            caption: input.caption(
                "Causal attention after softmax. Shares of attention, and the share of visible tokens that is needed to "
                    + "hold 90 % of it."
            ),
            columns: 2,
            panels: panels
        )
    }

    private static func panel(_ measure: Int, _ rows: [Row], _ layers: [Int]) throws -> Panel? {
        guard rows.contains(where: { $0.values[measure].isFinite }),
            let grid = LayerHeadGrid(
                rows.map { LayerHeadGrid.Cell(layer: $0.layer, head: $0.head, value: $0.values[measure]) },
                layers: layers
            )
        else { return nil }
        let isShare = measures[measure].factor == 100
        let highest = rows.map { $0.values[measure] }.filter(\.isFinite).max() ?? 0
        let mark = try grid.mark(domain: isShare && highest > 50 ? 0...100 : 0...max(highest, 1e-9))
        return try Panel(
            title: measures[measure].title,
            x: .layers(layers),
            y: grid.headAxis("Query head"),
            marks: [mark],
            colorBar: ColorBar(ramp: mark.ramp, domain: mark.domain, title: measures[measure].unit),
            height: min(max(170, 75 + 10 * Double(grid.heads)), 420)
        )
    }

    private static func title(_ rows: [Row]) -> String {
        let (first, recent, tokens) = (
            median(rows.map { $0.values[0] }), median(rows.map { $0.values[1] }), median(rows.map { $0.values[2] })
        )
        guard first.isFinite, recent.isFinite, tokens.isFinite else { return "Where attention goes" }
        func percent(_ value: Double) -> String { Wording.percent(value / 100) }
        return
            "The median head spends \(percent(first)) of its attention on the first 4 tokens and \(percent(recent)) on "
            + "the last 64; \(percent(tokens)) of the tokens hold 90 %"
    }
}
