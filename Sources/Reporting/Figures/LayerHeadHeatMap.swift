import Plotting
import TensorCore

/// Any statistic of the heads as a map of layer × head, one panel a tensor, on one colour scale: of `statistics-head`, or
/// of another table with layers and heads, such as the effective rank or the entropy of attention.
public enum LayerHeadHeatMap: Figure {
    public static let id = "layer-head-heatmap"
    public static let summary = "any statistic that a table has by layer and head, one panel a tensor, one colour scale"
    public static let tables = ["statistics-head"]
    public static let parameters: [FigureParameter] = [.layer, .tensor, .statistic]

    private static let usualTensors = ["key_pre_rope", "key", "value"]
    /// Ratio of the largest to the smallest value from which colours are logarithmic.
    private static let logarithmicFrom = 20.0
    /// A head stands out from this many times the median head on.
    private static let standsOutFrom = 1.5

    /// Another table's column needs that table alone.
    public static func tables(for selection: FigureSelection) -> [String] {
        selection.statistic == nil ? tables : []
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let source = try HeadStatistic(input)
        let (all, statistic) = (source.cells, source.column.name)
        guard !all.isEmpty else { throw input.nothingToShow(in: source.table, "it has no value of \(statistic)") }
        let tensors = try input.tensors(present: all.map { $0.tensor }, usual: usualTensors)
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.tensor) && layers.contains($0.layer) }
        guard let low = shown.map({ $0.value }).min(), let high = shown.map({ $0.value }).max() else {
            throw input.nothingToShow(in: source.table, "no row of the chosen layers and tensors")
        }
        let isLogarithmic = low > 0 && high / low >= logarithmicFrom
        let domain = domain(low, high, isLogarithmic: isLogarithmic)
        let panels = try tensors.compactMap { tensor in
            try panel(tensor, shown.filter { $0.tensor == tensor }, layers, domain, isLogarithmic, source.column.unit)
        }
        guard !panels.isEmpty else { throw input.nothingToShow(in: source.table, LayerHeadGrid.tooMany) }
        return try Plot(
            title: title(shown, statistic: statistic),
            subtitle: "\(Wording.statistic(statistic)) of every head in every layer; all panels share one colour scale"
                + (isLogarithmic ? ", which is logarithmic" : ""),
            caption: input.caption(
                "Statistic \(statistic)" + (source.column.meaning.isEmpty ? "." : ": \(source.column.meaning.trimmed)"),
                source.note,
                "Empty cells: no finite value."
            ),
            panels: panels
        )
    }

    private static func domain(_ low: Double, _ high: Double, isLogarithmic: Bool) -> ClosedRange<Double> {
        if isLogarithmic { return low...high }
        let bottom = low > 0 && low < high / 2 ? 0 : low
        return bottom < high ? bottom...high : bottom...(bottom + max(abs(bottom), 1))
    }

    private static func panel(
        _ tensor: String,
        _ cells: [HeadStatistic.Cell],
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

    private static func title(_ cells: [HeadStatistic.Cell], statistic: String) -> String {
        guard let largest = cells.max(by: { $0.value < $1.value }) else { return Wording.statistic(statistic) }
        let name = Wording.statistic(statistic)
        let place =
            "\(Wording.head([largest.tensor])) \(largest.head) of the \(Wording.plural(largest.tensor)) in layer "
            + "\(largest.layer)"
        let middle = median(cells.filter { $0.tensor == largest.tensor }.map { $0.value })
        if middle > 0, largest.value >= standsOutFrom * middle {
            return "\(name): \(NumberText.short(largest.value)) in \(place), "
                + "\(Wording.times(largest.value / middle)) the median of their heads"
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
