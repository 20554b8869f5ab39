import TensorCore

/// The table `histogram`: how often the elements of a layer's tensor lie in each of some bins.
public enum HistogramTable {
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
        let counts = summary.histogram(ofChannels: 0..<summary.heads * summary.headDim)
        let total = Double(counts.reduce(0, +)), edges = HistogramBins.edges
        var below = 0
        return counts.indices.filter { counts[$0] > 0 }.map { bin in
            below += counts[bin]
            return [
                .integer(layer), .string(tensor), .number(edges[bin]), .number(edges[bin + 1]), .integer(counts[bin]),
                .number(Double(counts[bin]) / total), .number(Double(below) / total),
            ]
        }
    }
}
