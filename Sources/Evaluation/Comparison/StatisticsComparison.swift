import TensorCore

/// The table `compare-statistics`: statistics of layers side by side.
struct StatisticsComparison {
    private(set) var table = Table(
        name: "compare-statistics",
        meaning: "One statistic of one tensor in a layer of the first and the layer beside it of the second.",
        columns: [
            .init("tensor", .string, "key, key_pre_rope, value, query, …"),
            .init("layer_a", .integer, "layer of the first, from 0"),
            .init("layer_b", .integer, "layer of the second: the same, or the nearest by relative depth"),
            .init("relative_depth", .number, "0 for the first layer of the first model, 1 for its last"),
            .init("statistic", .string, "column of statistics-layer; 'kvatlas list statistics' defines them"),
        ] + NumberDifference.columns()
    )
    /// Tensors that one of them has only.
    private(set) var onlyInA: [String] = []
    private(set) var onlyInB: [String] = []
    private(set) var tensors: [String] = []
    private let rowsA: [Place: Table.RowView]
    private let rowsB: [Place: Table.RowView]

    struct Place: Hashable {
        let tensor: String
        let layer: Int
    }

    private static let places: Set<String> = ["layer", "tensor"]

    init(_ a: Table, _ b: Table, pairing: LayerPairing) {
        rowsA = Self.rows(a)
        rowsB = Self.rows(b)
        let tensorsA = Self.tensors(a), tensorsB = Self.tensors(b)
        tensors = tensorsA.filter { tensorsB.contains($0) }
        onlyInA = tensorsA.filter { !tensorsB.contains($0) }
        onlyInB = tensorsB.filter { !tensorsA.contains($0) }
        let statistics = a.columns.filter {
            $0.kind != .string && !Self.places.contains($0.name) && b.index(of: $0.name) != nil
        }
        for tensor in tensors {
            for pair in pairing.pairs {
                for statistic in statistics {
                    guard let numbers = difference(statistic.name, tensor, pair) else { continue }
                    table.append(
                        [
                            .string(tensor), .integer(pair.a), .integer(pair.b), .number(pair.depth),
                            .string(statistic.name),
                        ] + numbers.cells
                    )
                }
            }
        }
    }

    /// A statistic of a pair of layers; `nil` if one of them has no such layer.
    func difference(_ statistic: String, _ tensor: String, _ pair: LayerPairing.Pair) -> NumberDifference? {
        guard let a = rowsA[Place(tensor: tensor, layer: pair.a)], let b = rowsB[Place(tensor: tensor, layer: pair.b)]
        else { return nil }
        return NumberDifference(a: a.number(statistic), b: b.number(statistic))
    }

    private static func rows(_ table: Table) -> [Place: Table.RowView] {
        var rows: [Place: Table.RowView] = [:]
        for row in table.rowViews {
            guard let tensor = row.string("tensor"), let layer = row.integer("layer") else { continue }
            rows[Place(tensor: tensor, layer: layer)] = row
        }
        return rows
    }

    private static func tensors(_ table: Table) -> [String] {
        var tensors: [String] = []
        for row in table.rowViews {
            guard let tensor = row.string("tensor"), !tensors.contains(tensor) else { continue }
            tensors.append(tensor)
        }
        return tensors
    }
}
