import Plotting
import TensorCore

/// Error of each scheme in each layer, one panel a metric.
public enum ErrorByLayer: Figure {
    public static let id = "error-by-layer"
    public static let summary = "error of every scheme in every layer, one panel a metric"
    public static let tables = ["errors-by-layer"]
    public static let parameters: [FigureParameter] = [.layer, .tensor, .scheme, .metric]

    private static let columns = ["layer", "tensor", "scheme", "metric", "value"]
    /// Lines that can still be told apart.
    private static let schemeLimit = 14
    /// Not errors, or a second reading of one that is shown; drawn when asked for.
    private static let leftOut: Set<String> = [
        "attention_sparsity", "mse", "sqnr_db", "relative_frobenius",
        "output_error_key_elementwise", "output_error_value_elementwise", "output_error_pair_elementwise",
    ]

    private struct Row {
        let layer: Int
        let tensor: String
        let scheme: String
        let metric: String
        let value: Double
    }

    private struct PanelKey: Hashable {
        let tensor: String
        let metric: String
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        var rows = try read(input)
        let schemes = unique(rows.map { $0.scheme })
        let metrics = unique(rows.map { $0.metric })
        let hasNorm = metrics.contains("score_relative_frobenius")
        let usual = metrics.filter { !leftOut.contains($0) && (!hasNorm || $0 != "score_relative_error") }
        let chosenMetrics = try input.chosen(
            "metric",
            input.selection.metrics,
            present: metrics,
            default: usual.isEmpty ? metrics : usual
        )
        rows = rows.filter { chosenMetrics.contains($0.metric) }
        let lossy = schemes.filter { scheme in
            rows.contains { $0.scheme == scheme && $0.value.isFinite && $0.value != 0 }
        }
        // Identity is the control that every study adds: its zeros are no finding.
        let exact = schemes.filter { !lossy.contains($0) && $0 != "identity" }
        let chosen = try input.chosen(
            "scheme",
            input.selection.schemes,
            present: schemes,
            default: Array(lossy.prefix(schemeLimit))
        )
        let keys = unique(rows.map { PanelKey(tensor: $0.tensor, metric: $0.metric) })
        let tensors = try input.chosen(
            "tensor",
            input.selection.tensors,
            present: unique(keys.map { $0.tensor }),
            default: unique(keys.map { $0.tensor })
        )
        let panels = try keys.filter { tensors.contains($0.tensor) }.compactMap { key in
            try panel(key, rows.filter { $0.tensor == key.tensor && $0.metric == key.metric }, chosen)
        }
        guard !panels.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "every error is zero or missing")
        }
        var notes = ["Mean over KV heads. Schemes that treat a tensor alike share one line there, the first one's."]
        if !exact.isEmpty { notes.append("Exactly zero, so not drawn: \(exact.joined(separator: ", ")).") }
        if input.selection.schemes == nil, lossy.count > schemeLimit {
            notes.append("The first \(schemeLimit) of \(lossy.count) schemes; name others to see them.")
        }
        return try Plot(
            title: title(rows.filter { chosen.contains($0.scheme) && tensors.contains($0.tensor) }),
            subtitle: "Error of each scheme by layer; logarithmic, lower is better"
                + (chosenMetrics.contains("sqnr_db") ? " (SQNR: higher)" : ""),
            caption: input.caption(notes),
            columns: panels.count > 1 ? 2 : 1,
            panels: panels
        )
    }

    private static func read(_ input: FigureInput) throws -> [Row] {
        let table = try input.table(tables[0], columns: columns)
        let rows: [Row] = table.rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let scheme = row.string("scheme"), let metric = row.string("metric"), let value = row.number("value")
            else { return nil }
            return Row(layer: layer, tensor: tensor, scheme: scheme, metric: metric, value: value)
        }
        guard !rows.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "it has no complete row")
        }
        let layers = Set(rows.map { $0.layer }).sorted()
        let chosen = try input.chosen("layer", input.selection.layers, present: layers, default: layers)
        return rows.filter { chosen.contains($0.layer) }
    }

    private static func panel(_ key: PanelKey, _ rows: [Row], _ schemes: [String]) throws -> Panel? {
        let isDecibel = key.metric.hasSuffix("_db")
        var drawn: Set<[Double]> = []
        let marks: [any Mark] = try schemes.compactMap { scheme in
            let line = rows.filter { $0.scheme == scheme && $0.value.isFinite && (isDecibel || $0.value > 0) }
                .sorted { $0.layer < $1.layer }
            // Schemes that treat this tensor alike have one line: the first one's.
            guard !line.isEmpty, drawn.insert(line.map { $0.value }).inserted else { return nil }
            return try LineMark(
                x: line.map { Double($0.layer) },
                y: line.map { $0.value },
                series: scheme,
                showsPoints: true
            )
        }
        guard !marks.isEmpty else { return nil }
        return try Panel(
            title: Wording.panel(tensor: key.tensor, metric: key.metric),
            x: Axis("Layer", integersOnly: true, showsGrid: false),
            y: Axis(Wording.axis(key.metric), kind: isDecibel ? .linear : .logarithmic),
            marks: marks,
            height: 236
        )
    }

    /// How much one direction of quantization errs against the other, for the first metric shown and at the
    /// fewest bits of which both directions are drawn; without such a pair, what the figure shows.
    private static func title(_ rows: [Row]) -> String {
        guard let first = rows.first else { return "Error by layer" }
        let same = rows.filter { $0.metric == first.metric && $0.tensor == first.tensor && $0.value.isFinite }
        let neutral = "\(Wording.metric(first.metric)) of the \(Wording.plural(first.tensor)), layer by layer"
        guard !first.metric.hasSuffix("_db"), first.metric != "attention_sparsity",
            let pair = DirectionPair.fewestBits(in: unique(same.map { $0.scheme }))
        else { return neutral }
        func values(_ scheme: String) -> [Int: Double] {
            Dictionary(same.filter { $0.scheme == scheme }.map { ($0.layer, $0.value) }) { first, _ in first }
        }
        let (token, channel) = (values(pair.perToken), values(pair.perChannel))
        let layers = token.keys.filter { channel[$0] != nil }.sorted()
        let tokenSum = layers.compactMap { token[$0] }.reduce(0, +)
        let channelSum = layers.compactMap { channel[$0] }.reduce(0, +)
        guard tokenSum > 0, channelSum > 0 else { return neutral }
        let isChannelBetter = channelSum <= tokenSum
        let (better, worse) = isChannelBetter ? ("per channel", "per token") : ("per token", "per channel")
        let agreeing = layers.filter {
            let (token, channel) = (token[$0] ?? 0, channel[$0] ?? 0)
            return isChannelBetter ? channel < token : token < channel
        }
        let ratio = isChannelBetter ? tokenSum / channelSum : channelSum / tokenSum
        let ratios = layers.compactMap { layer -> Double? in
            guard let token = token[layer], let channel = channel[layer], token > 0, channel > 0 else { return nil }
            return isChannelBetter ? token / channel : channel / token
        }
        let typical = ratios.isEmpty ? "" : ", \(Wording.times(median(ratios))) in the median layer"
        return
            "At \(pair.bits) bits, \(Wording.plural(first.tensor)) quantized \(worse) err \(Wording.times(ratio)) as much "
            + "as \(better) (\(Wording.metric(first.metric).lowercasedFirst), mean over layers)\(typical), and more in "
            + "\(agreeing.count) of \(layers.count) layers"
    }
}

/// Two schemes that differ in nothing but the direction of their groups.
private struct DirectionPair {
    let perToken: String
    let perChannel: String
    let bits: Int

    /// Schemes of one tensor come before those that name one for keys and one for values.
    static func fewestBits(in schemes: [String]) -> DirectionPair? {
        let pairs = schemes.compactMap { scheme -> DirectionPair? in
            guard !scheme.contains("/"), let match = scheme.firstMatch(of: #/^rtn-int(\d+)-token(-.*)?$/#),
                let bits = Int(match.1)
            else { return nil }
            let other = "rtn-int\(bits)-channel\(match.2 ?? "")"
            return schemes.contains(other) ? DirectionPair(perToken: scheme, perChannel: other, bits: bits) : nil
        }
        return pairs.min { $0.bits < $1.bits }
    }
}

/// Each value once, in the order of first appearance.
func unique<Value: Hashable>(_ values: some Sequence<Value>) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
}

extension String {
    /// `Mean squared error` → `mean squared error`, but `SQNR (dB)` stays.
    var lowercasedFirst: String {
        guard count > 1, dropFirst().first?.isLowercase == true else { return self }
        return prefix(1).lowercased() + dropFirst()
    }
}
