import TensorCore

/// The table `compare-errors`: errors and quality of the same scheme side by side.
struct ErrorComparison {
    private(set) var table = Table(
        name: "compare-errors",
        meaning: "One metric of one scheme or cache in both, by layer and as the mean over layers.",
        columns: [
            .init("table", .string, "where it is from: errors-by-layer, quality or quality-by-position"),
            .init("layer_a", .integer, "layer of the first; missing for a mean over layers and for quality"),
            .init("layer_b", .integer, "layer of the second: the same, or the nearest by relative depth"),
            .init("tensor", .string, "what was quantized: key, value or pair; missing for quality"),
            .init("scheme", .string, "cache scheme, or cache of a model in use"),
            .init("conditions", .string, "the other keys on which rows are joined, e.g. mode=exact window=2048"),
            .init("metric", .string, "metric id, or column of the quality table"),
        ] + NumberDifference.columns()
    )
    /// Schemes and caches that one of them has only.
    private(set) var onlyInA: [String] = []
    private(set) var onlyInB: [String] = []

    static let errors = "errors-by-layer"
    /// Tables with a row a cache, and the columns that tell rows apart beside it.
    static let qualityKeys = [
        "quality": ["mode", "window", "block", "scoring"], "quality-by-position": ["first_position", "end_position"],
    ]

    init(_ a: [String: Table], _ b: [String: Table], pairing: LayerPairing) {
        if let one = a[Self.errors], let other = b[Self.errors] { compareErrors(one, other, pairing) }
        for (name, keys) in Self.qualityKeys.sorted(by: { $0.key < $1.key }) {
            if let one = a[name], let other = b[name] { compareQuality(name, keys, one, other) }
        }
    }

    private struct Series: Hashable {
        let tensor: String
        let scheme: String
        let metric: String
    }

    private mutating func compareErrors(_ a: Table, _ b: Table, _ pairing: LayerPairing) {
        let (orderA, valuesA) = Self.series(a), (orderB, valuesB) = Self.series(b)
        noteSchemes(orderA.map { $0.scheme }, orderB.map { $0.scheme })
        for series in orderA {
            guard let one = valuesA[series], let other = valuesB[series] else { continue }
            func row(_ layers: [Table.Value], _ numbers: NumberDifference) -> [Table.Value] {
                [.string(Self.errors)] + layers + [
                    .string(series.tensor), .string(series.scheme), .missing, .string(series.metric),
                ] + numbers.cells
            }
            let pairs = pairing.pairs.filter { one[$0.a] != nil && other[$0.b] != nil }
            for pair in pairs {
                let numbers = NumberDifference(a: one[pair.a], b: other[pair.b])
                table.append(row([.integer(pair.a), .integer(pair.b)], numbers))
            }
            let means = NumberDifference(a: Self.mean(one), b: Self.mean(other))
            table.append(row([.missing, .missing], means))
        }
    }

    /// Over all layers that there are, in their order, so that the sum is the same each time.
    private static func mean(_ values: [Int: Double]) -> Double {
        values.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value } / Double(values.count)
    }

    /// Values by layer of each series, and the series in the table's order.
    private static func series(_ table: Table) -> ([Series], [Series: [Int: Double]]) {
        var order: [Series] = []
        var values: [Series: [Int: Double]] = [:]
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                let scheme = row.string("scheme"), let metric = row.string("metric"), let value = row.number("value")
            else { continue }
            let series = Series(tensor: tensor, scheme: scheme, metric: metric)
            if values[series] == nil { order.append(series) }
            values[series, default: [:]][layer] = value
        }
        return (order, values)
    }

    private mutating func compareQuality(_ name: String, _ keys: [String], _ a: Table, _ b: Table) {
        func conditions(_ row: Table.RowView, _ table: Table) -> String {
            keys.compactMap { key -> String? in
                guard table.index(of: key) != nil else { return nil }
                switch row[key] {
                case .string(let text): return "\(key)=\(text)"
                case .integer(let number): return "\(key)=\(number)"
                case .number(let number): return "\(key)=\(number)"
                case .missing: return nil
                }
            }.joined(separator: " ")
        }
        struct Key: Hashable {
            let cache: String
            let conditions: String
        }
        var rows: [Key: Table.RowView] = [:]
        for row in b.rowViews {
            rows[Key(cache: row.string("cache") ?? "", conditions: conditions(row, b))] = row
        }
        func caches(_ table: Table) -> [String] { table.rowViews.compactMap { $0.string("cache") } }
        noteSchemes(caches(a), caches(b))
        let metrics = a.columns.filter {
            $0.kind != .string && !keys.contains($0.name) && b.index(of: $0.name) != nil
        }
        for row in a.rowViews {
            let key = Key(cache: row.string("cache") ?? "", conditions: conditions(row, a))
            guard let other = rows[key] else { continue }
            for metric in metrics {
                let numbers = NumberDifference(a: row.number(metric.name), b: other.number(metric.name))
                if numbers.a == nil, numbers.b == nil { continue }
                table.append(
                    [
                        .string(name), .missing, .missing, .missing, .string(key.cache), .string(key.conditions),
                        .string(metric.name),
                    ] + numbers.cells
                )
            }
        }
    }

    private mutating func noteSchemes(_ a: [String], _ b: [String]) {
        for name in a where !b.contains(name) && !onlyInA.contains(name) { onlyInA.append(name) }
        for name in b where !a.contains(name) && !onlyInB.contains(name) { onlyInB.append(name) }
    }
}
