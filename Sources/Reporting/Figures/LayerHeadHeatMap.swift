import Plotting
import TensorCore

/// Any statistic of the heads as a map of layer × head, one panel a tensor, on one colour scale.
public enum LayerHeadHeatMap: Figure {
    public static let id = "layer-head-heatmap"
    public static let summary = "any statistic of the heads over layer × head, one panel a tensor, one colour scale"
    public static let tables = ["statistics-head"]
    public static let parameters: [FigureParameter] = [.layer, .tensor, .statistic]

    private static let usualStatistics = ["range_to_median_channel", "excess_kurtosis"]
    private static let usualTensors = ["key_pre_rope", "key", "value"]
    private static let places: Set<String> = ["layer", "head"]
    /// Ratio of the largest to the smallest value from which colours are logarithmic.
    private static let logarithmicFrom = 20.0
    /// A head stands out from this many times the median head on.
    private static let standsOutFrom = 1.5

    private struct Cell {
        let layer: Int
        let tensor: String
        let head: Int
        let value: Double
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let table = try input.table(tables[0], columns: ["layer", "tensor", "head"])
        let statistic = try statistic(input, table)
        let all: [Cell] = table.rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"), let head = row.integer("head"),
                let value = row.number(statistic), value.isFinite
            else { return nil }
            return Cell(layer: layer, tensor: tensor, head: head, value: value)
        }
        guard !all.isEmpty else { throw input.nothingToShow(in: tables[0], "it has no value of \(statistic)") }
        let tensors = try input.tensors(present: all.map { $0.tensor }, usual: usualTensors)
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.tensor) && layers.contains($0.layer) }
        guard let low = shown.map({ $0.value }).min(), let high = shown.map({ $0.value }).max() else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers and tensors")
        }
        let isLogarithmic = low > 0 && high / low >= logarithmicFrom
        let domain = domain(low, high, isLogarithmic: isLogarithmic)
        let column = table.columns.first { $0.name == statistic }
        let panels = try tensors.compactMap { tensor in
            try panel(tensor, shown.filter { $0.tensor == tensor }, layers, domain, isLogarithmic, column?.unit ?? "")
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: tables[0], LayerHeadGrid.tooMany) }
        return try Plot(
            title: title(shown, statistic: statistic),
            subtitle: "\(Wording.statistic(statistic)) of every head in every layer; all panels share one colour scale"
                + (isLogarithmic ? ", which is logarithmic" : ""),
            caption: input.caption(
                "Statistic \(statistic)" + (column.map { $0.meaning.isEmpty ? "." : ": \($0.meaning.trimmed)" } ?? "."),
                "Empty cells: no finite value."
            ),
            panels: panels
        )
    }

    private static func statistic(_ input: FigureInput, _ table: Table) throws -> String {
        let numeric = table.columns.filter { $0.kind != .string && !places.contains($0.name) }.map { $0.name }
        let usual = usualStatistics.first { numeric.contains($0) } ?? numeric.first
        guard let usual else { throw input.nothingToShow(in: table.name, "it has no statistic") }
        return try input.chosen(
            "statistic",
            input.selection.statistic.map { [$0] },
            present: numeric,
            default: [usual]
        )[0]
    }

    private static func domain(_ low: Double, _ high: Double, isLogarithmic: Bool) -> ClosedRange<Double> {
        if isLogarithmic { return low...high }
        let bottom = low > 0 && low < high / 2 ? 0 : low
        return bottom < high ? bottom...high : bottom...(bottom + max(abs(bottom), 1))
    }

    private static func panel(
        _ tensor: String,
        _ cells: [Cell],
        _ layers: [Int],
        _ domain: ClosedRange<Double>,
        _ isLogarithmic: Bool,
        _ unit: String
    ) throws -> Panel? {
        let known = cells.map { LayerHeadGrid.Cell(layer: $0.layer, head: $0.head, value: $0.value) }
        guard let grid = LayerHeadGrid(known, layers: layers) else { return nil }
        return try Panel(
            title: Wording.capitalized(Wording.plural(tensor)),
            x: .layers(layers),
            y: grid.headAxis(Wording.capitalized(Wording.head([tensor]))),
            marks: [try grid.mark(domain: domain, isLogarithmic: isLogarithmic)],
            colorBar: ColorBar(ramp: .lagoon, domain: domain, title: unit, isLogarithmic: isLogarithmic),
            height: min(max(150, 75 + 16 * Double(grid.heads)), 420)
        )
    }

    private static func title(_ cells: [Cell], statistic: String) -> String {
        guard let largest = cells.max(by: { $0.value < $1.value }) else { return Wording.statistic(statistic) }
        let name = Wording.statistic(statistic)
        let place =
            "\(Wording.head([largest.tensor])) \(largest.head) of the \(Wording.plural(largest.tensor)) in layer "
            + "\(largest.layer)"
        let middle = median(cells.map { $0.value })
        if middle > 0, largest.value >= standsOutFrom * middle {
            return "\(name): \(NumberText.short(largest.value)) in \(place), "
                + "\(Wording.times(largest.value / middle)) the median head"
        }
        let low = cells.map { $0.value }.min() ?? largest.value
        return cells.count == 1
            ? "\(name): \(NumberText.short(largest.value)) in \(place)"
            : "\(name): from \(NumberText.short(low)) to \(NumberText.short(largest.value)) over all heads"
    }
}

extension String {
    /// One line, with a full stop.
    var trimmed: String {
        let line = split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.hasSuffix(".") ? line : line + "."
    }
}
