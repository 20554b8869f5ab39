import Plotting
import TensorCore

/// Whether the same channels are large in every text and every stretch of tokens: a matrix of parts × parts.
public enum OutlierConsistency: Figure {
    public static let id = "outlier-consistency"
    public static let summary = "agreement on large channels between texts or blocks of tokens, a matrix a tensor"
    public static let tables = ["outlier-stability"]
    public static let parameters: [FigureParameter] = [.layer, .tensor]

    private static let columns = [
        "layer", "tensor", "kind", "part_a", "part_b", "spearman", "jaccard_top", "top_count",
    ]
    private static let usualTensors = ["key_pre_rope", "key", "value"]
    /// Cells whose numbers can still be read.
    private static let partLimit = 9
    /// Parts agree from this Jaccard index on.
    private static let agreesFrom = 0.8
    /// Half of the channels and a little more are in both sets from here on.
    private static let mostlyAgreesFrom = 0.4

    private struct Row {
        let layer: Int
        let tensor: String
        let kind: String
        let parts: [String]
        let spearman: Double
        let jaccard: Double
        let topCount: Int?
    }

    private struct Pair: Hashable {
        let first: String
        let second: String
    }

    /// Means over layers of one tensor and kind of part.
    private struct Matrix {
        let tensor: String
        let parts: [String]
        var spearman: [Pair: Double] = [:]
        var jaccard: [Pair: Double] = [:]
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let all = try read(input)
        let tensors = try input.tensors(present: all.map { $0.tensor }, usual: usualTensors)
        let layers = try input.layers(present: all.map { $0.layer })
        let shown = all.filter { tensors.contains($0.tensor) && layers.contains($0.layer) }
        // Texts say more than blocks of one text; blocks are shown where there is only one.
        let kinds = unique(shown.map { $0.kind })
        guard let kind = kinds.contains("sequence") ? "sequence" : kinds.first else {
            throw input.nothingToShow(in: tables[0], "no row of the chosen layers and tensors")
        }
        let rows = shown.filter { $0.kind == kind }
        let everyPart = unique(rows.flatMap { $0.parts })
        let parts = Array(everyPart.prefix(partLimit))
        let matrices = tensors.map { tensor in matrix(tensor, rows.filter { $0.tensor == tensor }, parts) }
            .filter { !$0.jaccard.isEmpty || !$0.spearman.isEmpty }
        guard !matrices.isEmpty else { throw input.nothingToShow(in: tables[0], "no two parts are compared") }
        let counts = Set(rows.compactMap { $0.topCount }).sorted()
        return try Plot(
            title: title(matrices, kind: kind),
            subtitle:
                "Above the diagonal: Jaccard index of the largest channels; below it: Spearman's rank correlation",
            caption: input.caption(
                "Parts: " + parts.enumerated().map { "\(letter($0)) \($1)" }.joined(separator: ", ") + ".",
                "Channels by largest |x|, mean over \(layers.count == 1 ? "layer \(layers[0])" : "\(layers.count) layers")"
                    + (counts.isEmpty ? "." : "; the top \(Wording.ranges(counts)) channels are compared."),
                everyPart.count > parts.count ? "The first \(parts.count) of \(everyPart.count) parts." : "",
                "Colours of negative correlations are those of 0."
            ),
            columns: matrices.count == 3 && parts.count <= 6 ? 3 : matrices.count == 1 ? 1 : 2,
            panels: try matrices.map { try panel($0) }
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
                jaccard: row.number("jaccard_top") ?? .nan,
                topCount: row.integer("top_count")
            )
        }
        guard !rows.isEmpty else { throw input.nothingToShow(in: tables[0]) }
        return rows
    }

    private static func matrix(_ tensor: String, _ rows: [Row], _ parts: [String]) -> Matrix {
        var matrix = Matrix(tensor: tensor, parts: parts)
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
        let main = matrices.first { $0.tensor == "key" } ?? matrices[0]
        let what = kind == "sequence" ? "text" : "block of tokens"
        guard
            let least = main.jaccard.min(by: {
                ($0.value, $0.key.first, $0.key.second) < ($1.value, $1.key.first, $1.key.second)
            })
        else { return "Agreement on the largest channels between \(what)s" }
        let numbers = "Jaccard index \(NumberText.fixed(least.value, decimals: 2))"
        let correlation =
            main.spearman.values.min().map { ", rank correlation \(NumberText.fixed($0, decimals: 2))" } ?? ""
        if least.value < agreesFrom, least.value >= mostlyAgreesFrom {
            return
                "The largest channels of the \(Wording.plural(main.tensor)) are mostly the same in every \(what): at "
                + "least \(numbers), between \(least.key.first) and \(least.key.second)"
        }
        return least.value >= agreesFrom
            ? "The largest channels of the \(Wording.plural(main.tensor)) are the same in every \(what): "
                + "at least \(numbers)\(correlation)"
            : "The largest channels of the \(Wording.plural(main.tensor)) depend on the \(what): \(numbers) between "
                + "\(least.key.first) and \(least.key.second)"
    }
}
