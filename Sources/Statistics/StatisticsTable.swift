import Kernels
import TensorCore

/// The tables `statistics-channel`, `statistics-token`, `statistics-head` and `statistics-layer`.
///
/// Columns are where a row comes from, then one column a statistic, in the catalogue's order.
public enum StatisticsTable {
    /// The table of a grain, without rows.
    public static func empty(_ grain: Grain) -> Table {
        let statistics = StatisticCatalogue.statistics(for: grain).map {
            Table.Column($0.id, $0.kind, unit: $0.unit, $0.definition)
        }
        return Table(
            name: "statistics-\(grain.rawValue)",
            meaning: "Distribution of the elements of \(grain.subject).",
            columns: origin(grain) + statistics
        )
    }

    /// Rows of every channel, head or the layer of one tensor.
    ///
    /// - Precondition: `grain` is not `.token`, whose rows come from `TokenDistributions`.
    public static func rows(_ grain: Grain, of summary: TensorSummary, layer: Int, tensor: String) -> [[Table.Value]] {
        let statistics = StatisticCatalogue.statistics(for: grain)
        let place: [Table.Value] = [.integer(layer), .string(tensor)]
        func values(_ distribution: Distribution, _ context: TensorContext) -> [Table.Value] {
            statistics.map { $0.value(of: distribution, in: context) }
        }
        switch grain {
        case .channel:
            return inParallel(summary.heads * summary.headDim) { index in
                let (head, channel) = index.quotientAndRemainder(dividingBy: summary.headDim)
                return place + [.integer(head), .integer(channel)]
                    + values(summary.channel(head: head, channel: channel), summary.context)
            }
        case .head:
            return (0..<summary.heads).map { head in
                place + [.integer(head)] + values(summary.head(head), summary.context(ofHead: head))
            }
        case .layer:
            return [place + values(summary.layer(), summary.context)]
        case .token:
            preconditionFailure("a summary keeps no tokens")
        }
    }

    /// The rows of all indices below `count`, made on all threads.
    private static func inParallel(_ count: Int, _ row: (Int) -> [Table.Value]) -> [[Table.Value]] {
        var rows = [[Table.Value]](repeating: [], count: count)
        rows.withUnsafeMutableBufferPointer { rows in
            // Each index writes its own row only.
            nonisolated(unsafe) let rows = rows
            Parallel.forEachBlock(of: 32, in: count) { block in
                for index in block { rows[index] = row(index) }
            }
        }
        return rows
    }

    /// The row of one token of one head.
    public static func tokenRow(
        _ distribution: Distribution,
        context: TensorContext,
        layer: Int,
        tensor: String,
        head: Int,
        token: Int
    ) -> [Table.Value] {
        [.integer(layer), .string(tensor), .integer(head), .integer(token)]
            + tokenStatistics.map { $0.value(of: distribution, in: context) }
    }

    private static let tokenStatistics = StatisticCatalogue.statistics(for: .token)

    private static func origin(_ grain: Grain) -> [Table.Column] {
        let layer = [
            Table.Column("layer", .integer, "Layer, from 0."),
            Table.Column("tensor", .string, "key, key_pre_rope, value or query."),
        ]
        let head = Table.Column("head", .integer, "Head of that tensor, from 0: key/value heads, or query heads.")
        switch grain {
        case .channel: return layer + [head, Table.Column("channel", .integer, "Channel of the head, from 0.")]
        case .token: return layer + [head, Table.Column("token", .integer, "Token of the capture, from 0.")]
        case .head: return layer + [head]
        case .layer: return layer
        }
    }
}

extension Grain {
    fileprivate var subject: String {
        switch self {
        case .channel: "one channel of one head over all tokens"
        case .token: "one token of one head over its channels"
        case .head: "one head over all tokens and channels"
        case .layer: "a layer's whole tensor"
        }
    }
}

/// The table `outlier-channels`.
public enum OutlierChannelTable {
    /// The table, without rows.
    public static func empty() -> Table {
        Table(
            name: "outlier-channels",
            meaning: """
                Channels whose absolute maximum is more than 5 times that of the tensor's median channel, largest \
                first; of a tensor without such channels, its three largest, with is_outlier 0.
                """,
            columns: [
                Table.Column("layer", .integer, "Layer, from 0."),
                Table.Column("tensor", .string, "key, key_pre_rope, value or query."),
                Table.Column("head", .integer, "Head of that tensor, from 0."),
                Table.Column("channel", .integer, "Channel of the head, from 0."),
                Table.Column("absolute_maximum", .number, "Largest magnitude, max |x| over all tokens."),
                Table.Column("ratio_to_median", .number, "absolute_maximum over that of the tensor's median channel."),
                Table.Column("rank", .integer, "Place by absolute_maximum within the tensor, from 1."),
                Table.Column("is_outlier", .integer, "1 if ratio_to_median is above 5, else 0."),
            ]
        )
    }

    /// Rows of one tensor.
    public static func rows(of summary: TensorSummary, layer: Int, tensor: String) -> [[Table.Value]] {
        summary.outlierChannels().map { channel in
            [
                .integer(layer), .string(tensor), .integer(channel.head), .integer(channel.channel),
                .number(channel.absoluteMaximum), Table.Value(channel.ratioToMedian), .integer(channel.rank),
                .integer(channel.isOutlier ? 1 : 0),
            ]
        }
    }
}
