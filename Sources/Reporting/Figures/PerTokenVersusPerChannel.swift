import Plotting
import TensorCore

/// The two directions of quantization, paired in each layer.
public enum PerTokenVersusPerChannel: Figure {
    public static let id = "per-token-vs-per-channel"
    public static let summary = "per-token against per-channel quantization in every layer, paired"
    public static let tables = ["per-token-vs-per-channel"]
    public static let parameters: [FigureParameter] = [.layer, .tensor, .metric]

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: PairedErrors.columns)
        let all = PairedErrors.read(table)
        guard !all.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "it has no complete row")
        }
        let tensors = try input.chosen(
            "tensor",
            input.selection.tensors,
            present: unique(all.map { $0.tensor }),
            default: unique(all.map { $0.tensor })
        )
        let metrics = unique(all.map { $0.metric })
        let chosenMetrics = try input.chosen(
            "metric",
            input.selection.metrics,
            present: metrics,
            default: PairedErrors.usual(metrics)
        )
        let layers = unique(all.flatMap { $0.layers }).sorted()
        let chosenLayers = try input.chosen("layer", input.selection.layers, present: layers, default: layers)
        let shown = all.filter { tensors.contains($0.tensor) && chosenMetrics.contains($0.metric) }
        let panels = try shown.compactMap { try panel($0, layers: chosenLayers) }
        guard !panels.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "no pair of positive errors")
        }
        let settings = unique(shown.map { $0.setting }).joined(separator: "; ")
        return try Plot(
            title: PairedErrors.title(shown),
            subtitle:
                "Error per layer when groups lie along tokens (per channel) or along channels (per token); lower is better",
            caption: input.caption(
                "Round to nearest, \(settings). Mean over KV heads; the errors’ axis is logarithmic."
            ),
            columns: panels.count > 1 ? 2 : 1,
            panels: panels
        )
    }

    private static func panel(_ pair: PairedErrors, layers: [Int]) throws -> Panel? {
        let rows = pair.rows.filter { layers.contains($0.layer) && $0.perToken > 0 && $0.perChannel > 0 }
        guard !rows.isEmpty else { return nil }
        let x = Channel.numbers(rows.map { Double($0.layer) })
        let token = Channel.numbers(rows.map { $0.perToken })
        let channel = Channel.numbers(rows.map { $0.perChannel })
        return try Panel(
            title: Wording.panel(tensor: pair.tensor, metric: pair.metric),
            x: Axis("Layer", integersOnly: true, showsGrid: false),
            y: Axis(Wording.axis(pair.metric), kind: .logarithmic),
            marks: [
                try SegmentMark(x1: x, y1: token, x2: x, y2: channel),
                try PointMark(x: x, y: token, series: "per token"),
                try PointMark(x: x, y: channel, series: "per channel"),
            ],
            height: 240
        )
    }
}
