import Plotting
import TensorCore

/// Whether the same channels are large in every text and every stretch of tokens, a matrix of parts × parts, and
/// whether they are before RoPE.
public enum OutlierConsistency: Figure {
    public static let id = "outlier-consistency"
    public static let summary = "agreement on outlier channels between texts or blocks of tokens, and across RoPE"
    public static let tables = ["outlier-stability"]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    private static let columns = [
        "layer", "tensor", "kind", "part_a", "part_b", "spearman", "outliers_a", "outliers_b", "jaccard",
    ]
    private static let usualTensors = ["key_pre_rope", "key", "value"]
    /// Cells whose numbers can still be read.
    private static let partLimit = 9
    /// Parts agree from this Jaccard index on.
    private static let agreesFrom = 0.8
    /// Half of the channels and a little more are in both sets from here on.
    private static let mostlyAgreesFrom = 0.4
    private static let rope = "rope"

    private struct Row {
        let layer: Int
        let tensor: String
        let kind: String
        let parts: [String]
        let spearman: Double
        let jaccard: Double
        let hasOutliers: Bool
    }

    private struct Pair: Hashable {
        let first: String
        let second: String
    }

    /// Means over layers of one tensor and kind of part.
    private struct Matrix {
        let tensor: String
        let parts: [String]
        /// Layers that have an outlier channel in some part, of how many.
        let layersWithOutliers: Int
        let layers: Int
        var spearman: [Pair: Double] = [:]
        var jaccard: [Pair: Double] = [:]
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let all = try read(input)
        let tensors = try input.tensors(present: all.map { $0.tensor }, usual: usualTensors)
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.tensor) && layers.contains($0.layer) }
        // Texts say more than blocks of one text; blocks are shown where there is only one.
        let kinds = unique(shown.map { $0.kind }).filter { $0 != rope }
        guard let kind = kinds.contains("sequence") ? "sequence" : kinds.first else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers and tensors")
        }
        let rows = shown.filter { $0.kind == kind }
        let everyPart = unique(rows.flatMap { $0.parts })
        let parts = Array(everyPart.prefix(partLimit))
        let matrices = tensors.map { tensor in matrix(tensor, rows.filter { $0.tensor == tensor }, parts) }
            .filter { !$0.jaccard.isEmpty || !$0.spearman.isEmpty }
        guard !matrices.isEmpty else { throw input.nothingToShow(in: tables[0], "no two parts are compared") }
        let turned = shown.filter { $0.kind == rope }
        let ropePanel = try panel(acrossRope: turned, layers)
        let panels = try matrices.map { try panel($0) } + (ropePanel.map { [$0] } ?? [])
        return try Plot(
            title: title(matrices, kind: kind),
            subtitle:
                "Above the diagonal: Jaccard index of the outlier channels; below it: Spearman’s rank correlation",
            caption: input.caption(
                "Parts: " + parts.enumerated().map { "\(letter($0)) \($1)" }.joined(separator: ", ") + ".",
                "Outlier channels: largest |x| more than 5 times the median channel’s in that part.",
                layersNote(matrices),
                ropeNote(turned),
                everyPart.count > parts.count ? "The first \(parts.count) of \(everyPart.count) parts." : "",
                "Colours of negative correlations are those of 0."
            ),
            columns: panels.count == 3 && ropePanel == nil && parts.count <= 6 ? 3 : panels.count == 1 ? 1 : 2,
            panels: panels
        )
    }

    /// Over which layers the indices are means.
    private static func layersNote(_ matrices: [Matrix]) -> String {
        let counts = matrices.map { matrix in
            "\(matrix.layersWithOutliers) of \(matrix.layers) for \(Wording.plural(matrix.tensor))"
        }
        return "Means over layers, of the Jaccard index over those that have any: \(counts.joined(separator: ", "))."
    }

    private static func ropeNote(_ rows: [Row]) -> String {
        let known = rows.map { $0.jaccard }.filter(\.isFinite)
        guard !rows.isEmpty else { return "" }
        return known.isEmpty
            ? "Neither before nor after RoPE has a layer outlier channels."
            : "Before against after RoPE: Jaccard index \(NumberText.fixed(median(known), decimals: 2)) in the median of "
                + "the \(known.count) of \(rows.count) layers that have any."
    }

    /// Agreement of the keys before RoPE with those after it, where there is more than one layer.
    private static func panel(acrossRope rows: [Row], _ layers: [Int]) throws -> Panel? {
        let sorted = rows.sorted { $0.layer < $1.layer }
        guard Set(sorted.map { $0.layer }).count > 1 else { return nil }
        func line(_ series: String, _ value: (Row) -> Double) throws -> LineMark? {
            guard sorted.contains(where: { value($0).isFinite }) else { return nil }
            // It breaks where a layer has no value.
            return try LineMark(
                x: sorted.map { Double($0.layer) },
                y: sorted.map { value($0) },
                series: series,
                showsPoints: sorted.count <= 40
            )
        }
        let marks = [try line("Jaccard index") { $0.jaccard }, try line("rank correlation") { $0.spearman }]
            .compactMap { $0 }
        guard !marks.isEmpty else { return nil }
        return try Panel(
            title: "Keys before RoPE against after",
            x: .layers(layers),
            y: Axis("Agreement", domain: min(0, sorted.map { $0.spearman }.filter(\.isFinite).min() ?? 0)...1),
            marks: marks,
            height: 230
        )
    }

    private static func read(_ input: FigureInput) throws -> [Row] {
        let rows: [Row] = try input.table(tables[0], columns: columns).rowViews.compactMap { row in
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"), let kind = row.string("kind"),
                let first = row.string("part_a"), let second = row.string("part_b"), first != second
            else { return nil }
            return Row(
                layer: layer,
                tensor: tensor,
                kind: kind,
                parts: [first, second],
                spearman: row.number("spearman") ?? .nan,
                jaccard: row.number("jaccard") ?? .nan,
                hasOutliers: (row.integer("outliers_a") ?? 0) + (row.integer("outliers_b") ?? 0) > 0
            )
        }
        guard !rows.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        return rows
    }

    private static func matrix(_ tensor: String, _ rows: [Row], _ parts: [String]) -> Matrix {
        var matrix = Matrix(
            tensor: tensor,
            parts: parts,
            layersWithOutliers: Set(rows.filter { $0.hasOutliers }.map { $0.layer }).count,
            layers: Set(rows.map { $0.layer }).count
        )
        for (index, second) in parts.enumerated() {
            for first in parts[..<index] {
                let own = rows.filter { Set($0.parts) == [first, second] }
                matrix.jaccard[Pair(first: first, second: second)] = mean(own.map { $0.jaccard })
                matrix.spearman[Pair(first: first, second: second)] = mean(own.map { $0.spearman })
            }
        }
        return matrix
    }

    private static func mean(_ values: [Double]) -> Double? {
        let finite = values.filter(\.isFinite)
        return finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count)
    }

    /// `A`, `B`, … beside the first part's row at the top and below its column.
    private static func letter(_ index: Int) -> String {
        String(UnicodeScalar(UInt8(ascii: "A") + UInt8(clamping: index)))
    }

    private static func panel(_ matrix: Matrix) throws -> Panel {
        let parts = matrix.parts
        let count = parts.count
        var values = [[Double]](repeating: [Double](repeating: .nan, count: count), count: count)
        var labels = [[String]](repeating: [String](repeating: "", count: count), count: count)
        for (pairs, isAbove) in [(matrix.jaccard, true), (matrix.spearman, false)] {
            for (pair, value) in pairs {
                guard let first = parts.firstIndex(of: pair.first), let second = parts.firstIndex(of: pair.second)
                else {
                    continue
                }
                // The first part's row is the top one.
                let (row, column) = isAbove ? (count - 1 - first, second) : (count - 1 - second, first)
                values[row][column] = value
                labels[row][column] = NumberText.fixed(value, decimals: 2)
            }
        }
        let edges = -0.5...(Double(count) - 0.5)
        let cells = try CellMark(rows: values, x: edges, y: edges, domain: 0...1, labels: labels)
        return try Panel(
            title: Wording.capitalized(Wording.plural(matrix.tensor)),
            x: Axis(
                "",
                domain: edges,
                showsGrid: false,
                ticks: parts.indices.map { Tick(value: Double($0), label: letter($0)) }
            ),
            y: Axis(
                "",
                domain: edges,
                showsGrid: false,
                ticks: parts.indices.map { index in
                    Tick(value: Double(count - 1 - index), label: letter(index))
                }
            ),
            marks: [cells],
            colorBar: ColorBar(ramp: cells.ramp, domain: 0...1),
            height: 60 + max(100, 30 * Double(count))
        )
    }

    private static func title(_ matrices: [Matrix], kind: String) -> String {
        // Of tensors without outlier channels there is nothing to say but that.
        let telling = matrices.filter { !$0.jaccard.isEmpty }
        let main = telling.first { $0.tensor == "key" } ?? telling.first ?? matrices[0]
        let what = kind == "sequence" ? "text" : "block of tokens"
        let name = Wording.plural(main.tensor)
        let ranks = main.spearman.values.min().map { "rank correlation \(NumberText.fixed($0, decimals: 2))" }
        guard
            let least = main.jaccard.min(by: {
                ($0.value, $0.key.first, $0.key.second) < ($1.value, $1.key.first, $1.key.second)
            })
        else {
            return "No channel is 5 times the median one in any \(what)"
                + (ranks.map { "; the order of the \(name)’ channels: at least \($0)" } ?? "")
        }
        let numbers = "Jaccard index \(NumberText.fixed(least.value, decimals: 2))"
        let between = "between \(least.key.first) and \(least.key.second)"
        if least.value >= agreesFrom {
            return "The outlier channels of the \(name) are the same in every \(what): at least \(numbers)"
                + (ranks.map { ", \($0)" } ?? "") + ", on average over layers"
        }
        return least.value >= mostlyAgreesFrom
            ? "The outlier channels of the \(name) are mostly the same in every \(what): on average over layers at least "
                + "\(numbers), \(between)"
            : "The outlier channels of the \(name) depend on the \(what): on average over layers \(numbers) \(between)"
    }
}
