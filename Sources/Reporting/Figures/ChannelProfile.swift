import Foundation
import Plotting
import TensorCore

/// Absolute maximum and mean |x| of every channel, outliers named, before and after RoPE.
public enum ChannelProfile: Figure {
    public static let id = "channel-profile"
    public static let summary = "largest and mean |x| per channel, outlier channels named, before and after RoPE"
    public static let tables = ["statistics-channel"]
    public static let parameters: [FigureParameter] = [.layer, .head, .tensor]

    private static let columns = [
        "layer", "tensor", "head", "channel", "absolute_maximum", "mean_absolute",
    ]
    /// A channel is named from this ratio to the median channel of its layer on.
    private static let namedFrom = 5.0
    private static let namesPerPanel = 6

    /// One channel of one layer and tensor.
    struct Entry {
        let head: Int
        let channel: Int
        let absoluteMaximum: Double
        let meanAbsolute: Double
    }

    /// All channels of one layer and tensor, in the order of heads and channels.
    struct Profile {
        let layer: Int
        let tensor: String
        let entries: [Entry]
        let median: Double

        var widest: (entry: Entry, ratio: Double)? {
            guard median > 0, let entry = entries.max(by: { $0.absoluteMaximum < $1.absoluteMaximum }) else {
                return nil
            }
            return (entry, entry.absoluteMaximum / median)
        }
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table("statistics-channel", columns: columns)
        if let head = input.selection.head {
            let heads = unique(table.rowViews.compactMap { $0.integer("head") }).sorted()
            _ = try input.chosen("head", [head], present: heads, default: heads)
        }
        let profiles = try read(table, head: input.selection.head)
        guard !profiles.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: table.name, reason: "it has no complete row")
        }
        let presentTensors = Set(profiles.map { $0.tensor })
        let usual = ["key_pre_rope", "key"].filter { presentTensors.contains($0) }
        let tensors = try input.chosen(
            "tensor",
            input.selection.tensors,
            present: presentTensors.sorted(),
            default: usual.isEmpty ? presentTensors.sorted() : usual
        )
        let main = tensors.contains("key") ? "key" : tensors[tensors.count - 1]
        let layers = try input.chosen(
            "layer",
            input.selection.layers,
            present: Set(profiles.map { $0.layer }).sorted(),
            default: strikingLayers(profiles.filter { $0.tensor == main })
        )
        var panels: [any PanelContent] = []
        for layer in layers {
            let row = tensors.compactMap { tensor in profiles.first { $0.layer == layer && $0.tensor == tensor } }
            let domain = sharedDomain(row)
            for profile in row {
                panels.append(
                    try panel(profile, domain: domain, isWide: tensors.count == 1, isLast: layer == layers.last)
                )
            }
        }
        guard !panels.isEmpty else {
            throw ReportingError.emptyTable(
                figure: id,
                table: "statistics-channel",
                reason: "no rows of \(tensors.joined(separator: ", "))"
            )
        }
        return try Plot(
            title: title(profiles.filter { $0.tensor == main && layers.contains($0.layer) }, tensor: main),
            subtitle: "Each channel of "
                + (input.selection.head.map { "\(Wording.head(tensors)) \($0)" } ?? "all \(Wording.head(tensors))s")
                + (tensors.count > 1 ? "; the panels of a layer share their scale" : ""),
            caption: input.caption(caption(tensors)),
            columns: min(tensors.count, 2),
            panels: panels
        )
    }

    /// Profiles of all layers and tensors; the median is always that of all heads.
    static func read(_ table: Table, head: Int?) throws -> [Profile] {
        for column in columns where table.index(of: column) == nil {
            throw ReportingError.missingColumn(
                table: table.name,
                column: column,
                present: table.columns.map { $0.name }
            )
        }
        struct Key: Hashable {
            let layer: Int
            let tensor: String
        }
        var entries: [Key: [Entry]] = [:]
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"), let head = row.integer("head"),
                let channel = row.integer("channel"), let maximum = row.number("absolute_maximum")
            else { continue }
            entries[Key(layer: layer, tensor: tensor), default: []].append(
                Entry(
                    head: head,
                    channel: channel,
                    absoluteMaximum: maximum,
                    meanAbsolute: row.number("mean_absolute") ?? .nan
                )
            )
        }
        return entries.map { key, all in
            Profile(
                layer: key.layer,
                tensor: key.tensor,
                entries: all.filter { head == nil || $0.head == head }.sorted {
                    ($0.head, $0.channel) < ($1.head, $1.channel)
                },
                median: median(all.map { $0.absoluteMaximum })
            )
        }.sorted { ($0.layer, $0.tensor) < ($1.layer, $1.tensor) }
    }

    /// The first and the last layer and the one with the widest channel; the middle one if that is among them.
    private static func strikingLayers(_ profiles: [Profile]) -> [Int] {
        let layers = profiles.map { $0.layer }.sorted()
        guard layers.count > 3 else { return layers }
        let widest = profiles.max { ($0.widest?.ratio ?? 0) < ($1.widest?.ratio ?? 0) }?.layer ?? layers[0]
        let isAtEnd = widest == layers[0] || widest == layers[layers.count - 1]
        return [layers[0], isAtEnd ? layers[layers.count / 2] : widest, layers[layers.count - 1]]
    }

    private static func sharedDomain(_ row: [Profile]) -> ClosedRange<Double> {
        let values = row.flatMap { $0.entries.flatMap { [$0.absoluteMaximum, $0.meanAbsolute] } }
            .filter { $0.isFinite && $0 > 0 }
        let (low, high) = (values.min() ?? 1, values.max() ?? 10)
        let top = max(high, low * 4)
        // Room above for the names of outliers.
        let isNamed = row.contains { ($0.widest?.ratio ?? 0) >= namedFrom }
        return (low / 1.3)...(top * (isNamed ? pow(top / low, 0.42) : 1.5))
    }

    private static func panel(
        _ profile: Profile,
        domain: ClosedRange<Double>,
        isWide: Bool,
        isLast: Bool
    ) throws -> Panel {
        let entries = profile.entries
        let positions = entries.indices.map { Double($0) }
        func positive(_ value: Double) -> Double { value > 0 ? value : .nan }
        var marks: [any Mark] = []
        for border in entries.indices.dropFirst() where entries[border].head != entries[border - 1].head {
            marks.append(try RuleMark(x: Double(border) - 0.5, dash: "1 3"))
        }
        if profile.median > 0 {
            marks.append(try RuleMark(y: profile.median, label: "median", dash: "4 3"))
            // Where the two lines are close, their names step apart.
            let gap = Double(isWide ? 200 : 165) * log(2) / log(domain.upperBound / domain.lowerBound)
            let shift = max(0, 12 - gap) / 2
            for (factor, labelShift) in [(5.0, shift), (10, -shift)] where domain.contains(factor * profile.median) {
                marks.append(
                    try RuleMark(
                        y: factor * profile.median,
                        label: "\(Int(factor))×",
                        dash: "2 3",
                        labelShift: labelShift
                    )
                )
            }
        }
        marks.append(
            try LineMark(
                x: positions,
                y: entries.map { positive($0.meanAbsolute) },
                series: "mean |x|",
                join: .step,
                isThin: true
            )
        )
        marks.append(
            try LineMark(
                x: positions,
                y: entries.map { positive($0.absoluteMaximum) },
                series: "largest |x|",
                join: .step,
                isThin: true
            )
        )
        if let names = try names(profile) { marks.append(names) }
        let heads = Set(entries.map { $0.head }).count
        return try Panel(
            title: "\(Wording.capitalized(Wording.plural(profile.tensor))), layer \(profile.layer)",
            x: Axis(
                !isLast
                    ? ""
                    : heads > 1
                        ? "\(Wording.capitalized(Wording.head([profile.tensor]))) (h) and channel (c)" : "Channel",
                domain: -0.5...(Double(max(entries.count, 1)) - 0.5),
                showsGrid: false,
                ticks: ticks(entries)
            ),
            y: Axis("Magnitude \(Wording.magnitude(profile.tensor)) (unitless)", kind: .logarithmic, domain: domain),
            marks: marks,
            height: isWide ? 270 : 236
        )
    }

    /// Channels count anew in each head: ticks at its first channel and each quarter of it.
    private static func ticks(_ entries: [Entry]) -> [Tick] {
        let heads = Set(entries.map { $0.head }).count
        let step = max(1, (entries.count / max(heads, 1) + 3) / 4)
        return entries.enumerated().filter { $0.element.channel.isMultiple(of: step) }.map { place, entry in
            let isFirst = heads > 1 && (place == 0 || entries[place - 1].head != entry.head)
            return Tick(value: Double(place), label: isFirst ? "h\(entry.head) c\(entry.channel)" : "c\(entry.channel)")
        }
    }

    /// Labels of the widest outliers of a panel.
    private static func names(_ profile: Profile) throws -> LabelMark? {
        let outliers = profile.entries.enumerated()
            .filter { profile.median > 0 && $0.element.absoluteMaximum >= namedFrom * profile.median }
            .sorted { $0.element.absoluteMaximum > $1.element.absoluteMaximum }.prefix(namesPerPanel)
        guard !outliers.isEmpty else { return nil }
        return try LabelMark(
            x: .numbers(outliers.map { Double($0.offset) }),
            y: .numbers(outliers.map { $0.element.absoluteMaximum }),
            texts: outliers.map {
                "h\($0.element.head) c\($0.element.channel): "
                    + Wording.times($0.element.absoluteMaximum / profile.median)
            },
            ground: (
                profile.entries.indices.map { Double($0) },
                profile.entries.map { $0.absoluteMaximum > 0 ? $0.absoluteMaximum : .nan }
            )
        )
    }

    private static func title(_ profiles: [Profile], tensor: String) -> String {
        guard let profile = profiles.max(by: { ($0.widest?.ratio ?? 0) < ($1.widest?.ratio ?? 0) }),
            let widest = profile.widest
        else { return "Magnitude of every channel" }
        let place = "channel \(widest.entry.channel) of head \(widest.entry.head) in layer \(profile.layer)"
        return widest.ratio >= namedFrom
            ? "Outlier channels: \(place) of the \(Wording.plural(tensor)) reaches "
                + "\(Wording.times(widest.ratio)) the layer's median channel"
            : "No outlier channels: the widest of the \(Wording.plural(tensor)), \(place), is "
                + "\(Wording.times(widest.ratio)) the layer's median channel"
    }

    private static func caption(_ tensors: [String]) -> String {
        "Lines: the median of the largest |x| of all channels of the layer's tensor, and 5 and 10 times it. "
            + "Named (h head, c channel): the widest channels of \(Int(namedFrom))× the median or more, at most \(namesPerPanel) a panel, as many as fit. "
            + "Dotted vertical lines part the heads; a line breaks where a channel is zero."
    }
}
