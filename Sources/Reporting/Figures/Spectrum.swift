import Plotting
import TensorCore

/// Singular values of each head's tokens × channels, the energy that the first components hold, and how many hold 90 %.
public enum Spectrum: Figure {
    public static let id = "spectrum"
    public static let summary = "singular values by component, their energy, and components for 90 % by layer"
    public static let tables = ["spectrum"]
    public static let parameters: [FigureParameter] = [.layer, .head, .tensor]

    private static let columns = ["layer", "tensor", "head", "component", "singular_value", "energy_share_cumulative"]
    private static let usualTensors = ["key_pre_rope", "key", "value"]
    private static let summaryTable = "spectrum-summary"
    private static let energyShare = 0.9
    /// Below this share of the largest, singular values are rounding.
    private static let leastShown = 1e-4

    private struct Key: Hashable {
        let layer: Int
        let head: Int
    }

    /// The spectrum of one head; components count from 1.
    private struct Head {
        let layer: Int
        let values: [Double]
        let energies: [Double]

        /// Components that hold the share of energy, or `nil` where no energy is known.
        var components: Int? { energies.firstIndex { $0 >= energyShare - 1e-12 }.map { $0 + 1 } }
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let (heads, tensors, layers) = try read(input)
        let count = heads.values.flatMap { $0 }.map { $0.values.count }.max() ?? 1
        let domain = 0.5...(Double(count) + 0.5)
        var decay: [any Mark] = [], energy: [any Mark] = [try RuleMark(y: 100 * energyShare, label: "90 %")]
        var needed: [any Mark] = []
        for tensor in tensors {
            let own = heads[tensor] ?? []
            let series = Wording.plural(tensor)
            decay += try band(
                own.map { head in head.values.map { $0 / (head.values.first ?? 1) } },
                series,
                from: leastShown
            )
            energy += try band(own.map { head in head.energies.map { 100 * $0 } }, series, from: 0)
            needed += try LayerBand(own.compactMap { head in head.components.map { (head.layer, Double($0)) } })
                .marks(series: series)
        }
        guard !decay.isEmpty else { throw input.nothingToShow(in: tables[0], "every singular value is zero") }
        var panels = [
            try Panel(
                title: "Singular values",
                x: Axis("Component", domain: domain, integersOnly: true, showsGrid: false),
                y: Axis("Singular value / largest", kind: .logarithmic),
                marks: decay,
                height: 270
            ),
            try Panel(
                title: "Energy of the first components",
                x: Axis("Component", domain: domain, integersOnly: true, showsGrid: false),
                y: Axis("Share of the energy (%)", domain: 0...100),
                marks: energy,
                height: 270
            ),
        ]
        if layers.count > 1, !needed.isEmpty {
            panels.append(
                try Panel(
                    title: "Components for 90 %, by layer",
                    x: .layers(layers),
                    y: Axis("Components", includesZero: true, integersOnly: true),
                    marks: needed,
                    height: 236
                )
            )
        }
        panels += try effectiveRank(input, tensors, layers)
        let which = input.selection.head.map { "\(Wording.head(tensors)) \($0)" } ?? "heads"
        return try Plot(
            title: title(heads, tensors),
            subtitle: "Tokens × channels of each head: median over layers and \(which), with their range as a band",
            caption: input.caption(
                "Energy: squared singular values. Singular values below \(NumberText.short(leastShown)) of the largest are "
                    + "not drawn.",
                panels.count > 2 ? "By layer: mean and range over heads." : "",
                panels.count > 3 ? "Effective rank: as table \(summaryTable) defines it." : ""
            ),
            columns: 2,
            panels: panels
        )
    }

    /// One more panel where the summary of the same analysis is there.
    private static func effectiveRank(_ input: FigureInput, _ tensors: [String], _ layers: [Int]) throws -> [Panel] {
        let needed = ["layer", "tensor", "head", "effective_rank"]
        guard layers.count > 1, let table = input.optionalTable(summaryTable),
            needed.allSatisfy({ table.index(of: $0) != nil })
        else { return [] }
        let rows = table.rowViews.filter { row in
            input.selection.head == nil || row.integer("head") == input.selection.head
        }
        let marks = try tensors.flatMap { tensor -> [any Mark] in
            let samples = rows.filter { $0.string("tensor") == tensor }.compactMap {
                row -> (layer: Int, value: Double)? in
                guard let layer = row.integer("layer"), layers.contains(layer), let rank = row.number("effective_rank")
                else { return nil }
                return (layer, rank)
            }
            return try LayerBand(samples).marks(series: Wording.plural(tensor))
        }
        guard !marks.isEmpty else { return [] }
        return [
            try Panel(
                title: "Effective rank, by layer",
                x: .layers(layers),
                y: Axis("Components", includesZero: true),
                marks: marks,
                height: 236
            )
        ]
    }

    private static func read(_ input: FigureInput) throws -> (heads: [String: [Head]], tensors: [String], layers: [Int])
    {
        let table = try input.table(tables[0], columns: columns)
        let places = columns.compactMap { table.index(of: $0) }
        var found: [String: [Key: [(component: Int, value: Double, energy: Double)]]] = [:], order: [String] = []
        for row in table.rows {
            guard let layer = row[places[0]].integer, let tensor = row[places[1]].string,
                let head = row[places[2]].integer, let component = row[places[3]].integer,
                let value = row[places[4]].number, value.isFinite, value >= 0
            else { continue }
            if found[tensor] == nil { order.append(tensor) }
            found[tensor, default: [:]][Key(layer: layer, head: head), default: []].append(
                (component, value, row[places[5]].number ?? .nan)
            )
        }
        guard !order.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        let keys = found.values.flatMap { $0.keys }
        let tensors = try input.tensors(present: order, usual: usualTensors)
        let layers = try input.layers(present: keys.map { $0.layer })
        let head = try input.head(present: keys.map { $0.head })
        var heads: [String: [Head]] = [:]
        for tensor in tensors {
            let own = (found[tensor] ?? [:]).filter {
                layers.contains($0.key.layer) && (head == nil || $0.key.head == head)
            }
            heads[tensor] = own.sorted { ($0.key.layer, $0.key.head) < ($1.key.layer, $1.key.head) }.map { key, rows in
                let sorted = rows.sorted { $0.component < $1.component }
                return Head(layer: key.layer, values: sorted.map { $0.value }, energies: sorted.map { $0.energy })
            }.filter { ($0.values.first ?? 0) > 0 }
        }
        return (heads, tensors.filter { heads[$0]?.isEmpty == false }, layers)
    }

    /// The median over heads of each component as a line, the range as a band; both end at the floor.
    private static func band(
        _ curves: [[Double]],
        _ series: String,
        from floor: Double
    ) throws -> [any Mark] {
        let count = curves.map(\.count).max() ?? 0
        var x: [Double] = [], middle: [Double] = [], low: [Double] = [], high: [Double] = []
        for component in 0..<count {
            let values = curves.filter { $0.count > component }.map { $0[component] }.filter(\.isFinite)
            guard let least = values.min(), let most = values.max(), most >= floor else { continue }
            let center = median(values)
            x.append(Double(component + 1))
            middle.append(center >= floor ? center : .nan)
            low.append(max(least, floor))
            high.append(most)
        }
        guard !x.isEmpty else { return [] }
        let line = try LineMark(x: x, y: middle, series: series, showsPoints: x.count == 1)
        return curves.count > 1 ? [line, try AreaMark(x: x, low: low, high: high, series: series)] : [line]
    }

    private static func title(_ heads: [String: [Head]], _ tensors: [String]) -> String {
        let middles = tensors.compactMap { tensor -> (tensor: String, needed: Double, of: Int)? in
            let own = heads[tensor] ?? []
            let needed = median(own.compactMap { $0.components.map { Double($0) } })
            return needed.isFinite ? (tensor, needed, own.map { $0.values.count }.max() ?? 0) : nil
        }
        guard let main = middles.first(where: { $0.tensor == "key" }) ?? middles.first else {
            return "Singular values of every head"
        }
        let other = middles.first { $0.tensor == "value" && main.tensor != "value" }
        func count(_ value: Double) -> String { NumberText.fixed(value, decimals: 0) }
        let share = "\(count(main.needed)) of \(main.of) components"
        return main.needed <= 0.5 * Double(main.of)
            ? "90 % of the energy of the \(Wording.plural(main.tensor)) lies in \(share)"
                + (other.map { ", of the \(Wording.plural($0.tensor)) in \(count($0.needed))" } ?? "")
                + " (median head)"
            : "No low rank: the \(Wording.plural(main.tensor)) need \(share) for 90 % of their energy"
                + (other.map { ", the \(Wording.plural($0.tensor)) \(count($0.needed))" } ?? "")
                + " (median head)"
    }
}
