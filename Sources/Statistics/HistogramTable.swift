import TensorCore

/// The table `histogram`: how often the elements of a layer's tensor lie in each of some bins.
public enum HistogramTable {
    /// Bins to an octave: as many as four of the sketch's make up.
    private static let sketchBins = 4

    /// The table, without rows.
    public static func empty() -> Table {
        Table(
            name: "histogram",
            meaning: """
                How the elements of a layer's tensor are spread over bins, 8 to an octave and 2⁻¹⁷ wide below a \
                magnitude of 2⁻¹⁴; bins without elements are left out. Of a capture of more than \
                \(TokenSample.size) tokens these are the elements of a sample of \(TokenSample.size) (see \
                quantile_elements in the other tables).
                """,
            columns: [
                Table.Column("layer", .integer, "Layer, from 0."),
                Table.Column("tensor", .string, "key, key_pre_rope, value or query."),
                Table.Column("lower", .number, "Lower edge of the bin; belongs to it where it is not below 0."),
                Table.Column("upper", .number, "Upper edge of the bin; belongs to it where it is not above 0."),
                Table.Column("count", .integer, unit: "element", "Finite elements in the bin."),
                Table.Column("share", .number, "count over the finite elements of all bins."),
                Table.Column("share_to_upper", .number, "Share of the elements in this bin and all below it."),
            ]
        )
    }

    /// Rows of one tensor, from the lowest bin to the highest.
    public static func rows(of summary: TensorSummary, layer: Int, tensor: String) -> [[Table.Value]] {
        let bins = summary.layerSketch.bins(joining: sketchBins)
        let total = Double(bins.reduce(0) { $0 + $1.count })
        var below = 0
        return bins.map { bin in
            below += bin.count
            return [
                .integer(layer), .string(tensor), .number(bin.lower), .number(bin.upper), .integer(bin.count),
                .number(Double(bin.count) / total), .number(Double(below) / total),
            ]
        }
    }
}

extension QuantileSketch {
    /// The bins that hold finite elements, in rising order, some neighbours joined to one.
    ///
    /// - Precondition: `width` divides 32.
    func bins(joining width: Int) -> [(lower: Double, upper: Double, count: Int)] {
        precondition(32.isMultiple(of: width), "bins of \(width)")
        func bin(_ first: Int, isNegative: Bool) -> (lower: Double, upper: Double, count: Int)? {
            let places = (isNegative ? Self.binsPerSign : 0) + first
            let count = counts[places..<places + width].reduce(0, +)
            guard count > 0 else { return nil }
            let (near, far) = (Self.edge(first), Self.edge(first + width))
            return (isNegative ? -far : near, isNegative ? -near : far, Int(count))
        }
        let starts = stride(from: 0, to: Self.finiteBinsPerSign, by: width)
        return starts.reversed().compactMap { bin($0, isNegative: true) }
            + starts.compactMap { bin($0, isNegative: false) }
    }
}
