import Plotting
import TensorCore

/// How many elements, channels and tokens each definition of an outlier takes for one, side by side.
public enum OutlierDefinitions: Figure {
    public static let id = "outlier-definitions"
    public static let summary = "share of elements, channels and tokens that each definition calls outliers"
    public static let tables = ["outlier-definitions"]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    private static let columns = [
        "layer", "tensor", "definition", "rule", "element_share", "channel_share", "token_share",
    ]
    private static let measures: [(column: String, title: String, axis: String)] = [
        ("element_share", "Elements", "Share of elements"), ("channel_share", "Channels", "Share of channels"),
        ("token_share", "Tokens with an outlier", "Share of tokens"),
    ]
    private static let usualTensors = ["key_pre_rope", "key", "value"]

    private struct Row {
        let layer: Int
        let tensor: String
        let definition: String
        let rule: String
        let shares: [Double]
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: columns)
        let all: [Row] = table.rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let definition = row.string("definition")
            else { return nil }
            let shares = measures.map { row.number($0.column) ?? .nan }
            guard shares.contains(where: \.isFinite) else { return nil }
            return Row(
                layer: layer,
                tensor: tensor,
                definition: definition,
                rule: row.string("rule") ?? "",
                shares: shares
            )
        }
        guard !all.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let tensors = try input.tensors(present: all.map { $0.tensor }, usual: usualTensors)
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.tensor) && layers.contains($0.layer) }
        guard !shown.isEmpty else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers and tensors")
        }
        let definitions = unique(shown.map { $0.definition })
        var panels: [Panel] = []
        for measure in measures.indices {
            // Names of the definitions stand once, at the left.
            if let next = try panel(measure, shown, definitions, tensors, isLabelled: panels.isEmpty) {
                panels.append(next)
            }
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], "no definition finds an outlier") }
        let hasZero = shown.contains { $0.shares.contains(0) }
        return try Plot(
            title: title(shown, definitions),
            subtitle: "Mean over layers, with the range over layers as a line; logarithmic",
            caption: input.caption(
                rules(shown, definitions),
                hasZero ? "A share of zero stands at the left end of its axis, marked 0." : ""
            ),
            columns: panels.count,
            columnWeights: [1.75] + panels.dropFirst().map { _ in 1 },
            panels: panels
        )
    }

    /// What families of definitions have in common; the table has the rules in full.
    private static let families: [(prefix: String, rule: String)] = [
        ("percentile-99-", "outside the central 99 % of its channel or token"),
        ("sigma-", "so many standard deviations from the mean"),
        ("median-channel-", "beyond so many times the median channel’s max |x|"),
        ("top-", "in the channels of largest norm or mean |x|, so many of a head"),
        ("llm-int8", "|x| of 6 in 6 % of the tokens and a quarter of the layers"),
        ("massive", "|x| of 100 and 1,000 times the median"),
    ]
    private static let longestRule = 60

    /// The rules in few words: families once, of what belongs to none the start of the table's rule.
    private static func rules(_ rows: [Row], _ definitions: [String]) -> String {
        var told: [String] = []
        for definition in definitions {
            if let family = families.first(where: { definition.hasPrefix($0.prefix) }) {
                let text = "\(family.prefix.hasSuffix("-") ? family.prefix + "…" : family.prefix): \(family.rule)"
                if !told.contains(text) { told.append(text) }
            } else if let rule = rows.first(where: { $0.definition == definition && !$0.rule.isEmpty })?.rule {
                let short = rule.prefix { $0 != ";" && $0 != "." }
                told.append("\(definition): \(short.count > longestRule ? short.prefix(longestRule - 1) + "…" : short)")
            }
        }
        return told.isEmpty ? "" : told.joined(separator: "; ") + ". In full: column rule of \(tables[0]).csv."
    }

    private static func panel(
        _ measure: Int,
        _ rows: [Row],
        _ definitions: [String],
        _ tensors: [String],
        isLabelled: Bool
    ) throws -> Panel? {
        // A mean over layers, most of them without an outlier, can be less than the least share of a layer.
        let means = tensors.flatMap { tensor in
            definitions.map { name in
                mean(rows.filter { $0.tensor == tensor && $0.definition == name }.map { $0.shares[measure] })
            }
        }
        // All zero or missing: what a logarithmic axis cannot show, the title and the other panels tell.
        guard let least = (rows.map { $0.shares[measure] } + means).filter({ $0 > 0 }).min() else { return nil }
        let most = max(rows.map { $0.shares[measure] }.filter(\.isFinite).max() ?? 1, 1)
        let zero = least / 4
        func placed(_ share: Double) -> Double { share > 0 ? share : share == 0 ? zero : .nan }
        // Bands are drawn from the bottom: the first definition stands on top.
        let names = Array(definitions.reversed())
        var marks: [any Mark] = []
        for (place, tensor) in tensors.enumerated() {
            let offset = 0.22 * (Double(tensors.count - 1) / 2 - Double(place))
            var y: [Double] = [], middle: [Double] = [], low: [Double] = [], high: [Double] = []
            for (band, name) in names.enumerated() {
                let shares = rows.filter { $0.tensor == tensor && $0.definition == name }.map { $0.shares[measure] }
                    .filter(\.isFinite)
                guard let least = shares.min(), let most = shares.max() else { continue }
                y.append(Double(band) + offset)
                middle.append(placed(mean(shares)))
                low.append(placed(least))
                high.append(placed(most))
            }
            guard !y.isEmpty else { continue }
            let series = Wording.plural(tensor)
            marks.append(try PointMark(x: .numbers(middle), y: .numbers(y), series: series))
            marks.append(
                try SegmentMark(x1: .numbers(low), y1: .numbers(y), x2: .numbers(high), y2: .numbers(y), series: series)
            )
        }
        let domain = (zero / 1.5)...(1.5 * most)
        let ticks = [Tick(value: zero, label: "0")] + Ticks.logarithmic(least...most, count: 4)
        return try Panel(
            title: measures[measure].title,
            x: Axis(measures[measure].axis, kind: .logarithmic, domain: domain, ticks: ticks),
            y: Axis(
                "",
                domain: -0.5...(Double(names.count) - 0.5),
                showsGrid: false,
                ticks: isLabelled ? names.enumerated().map { Tick(value: Double($0), label: $1) } : []
            ),
            marks: marks,
            height: 74 + Double(definitions.count) * (9 + 8 * Double(tensors.count))
        )
    }

    /// Of what is finite; `nan` without.
    private static func mean(_ shares: [Double]) -> Double {
        let finite = shares.filter(\.isFinite)
        return finite.reduce(0, +) / Double(finite.count)
    }

    private static func title(_ rows: [Row], _ definitions: [String]) -> String {
        let neutral = "Outliers by each definition"
        guard let tensor = unique(rows.map { $0.tensor }).first(where: { $0 == "key" }) ?? rows.first?.tensor else {
            return neutral
        }
        // Rules that take a fixed number of channels say nothing of the tensor.
        let means = definitions.filter { !$0.hasPrefix("top-") }.compactMap {
            definition -> (name: String, share: Double)? in
            let shares = rows.filter { $0.tensor == tensor && $0.definition == definition }.map { $0.shares[0] }
                .filter(\.isFinite)
            return shares.isEmpty ? nil : (definition, mean(shares))
        }
        guard let most = means.max(by: { $0.share < $1.share }), let least = means.min(by: { $0.share < $1.share }),
            most.name != least.name, most.share > least.share
        else { return neutral }
        let what = Wording.plural(tensor)
        return "What an outlier is, is a matter of definition: of the rules with a threshold, \(least.name) takes "
            + (least.share == 0 ? "none" : Wording.percent(least.share))
            + " of the elements of the \(what) for one, \(most.name) \(Wording.percent(most.share))"
    }
}
