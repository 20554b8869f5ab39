import Quantization
import TensorCore

/// Our numbers in the layout of KIVI's Table 2, beside the paper's.
///
/// The paper averages over all layers and heads of Llama-2-13B and gives neither
/// text, length nor bit width. Read as mean element-wise relative errors at 2 bits
/// and groups of 32, a Gaussian gives numbers of its size; the norm as printed does
/// not. So the paper's numbers stand beside that reading alone. Element-wise means are
/// dominated by elements near zero, so ratios are to be compared, and each quantity
/// also has a row with the usual relative norm.
enum PaperTable2 {
    private struct Quantity {
        let symbol: String
        let part: QuantizedPart
        let elementwise: any ErrorMetric.Type
        let norm: any ErrorMetric.Type
        let perToken: Double
        let perChannel: Double
    }

    private static let quantities = [
        Quantity(
            symbol: "K",
            part: .key,
            elementwise: MeanAbsoluteRelativeError.self,
            norm: RelativeFrobenius.self,
            perToken: 13.67,
            perChannel: 4.55
        ),
        Quantity(
            symbol: "A",
            part: .key,
            elementwise: ScoreRelativeError.self,
            norm: ScoreRelativeFrobenius.self,
            perToken: 47.00,
            perChannel: 9.60
        ),
        Quantity(
            symbol: "V",
            part: .value,
            elementwise: MeanAbsoluteRelativeError.self,
            norm: RelativeFrobenius.self,
            perToken: 4.57,
            perChannel: 3.73
        ),
        Quantity(
            symbol: "AV",
            part: .value,
            elementwise: OutputErrorOfValuesElementwise.self,
            norm: OutputErrorOfValues.self,
            perToken: 3.55,
            perChannel: 49.89
        ),
    ]

    /// The paper's attention sparsity of Llama-2-13B, a share.
    private static let paperSparsity = 0.843

    /// Bits and group size at which the paper's numbers can be read.
    private static let paperBits = 2
    private static let paperGrouping = AxisComparison.Grouping.equal(32)
    private static let paperScope =
        "only beside the element-wise reading at 2 bits and groups of 32, which alone gives numbers of its size, "
        + "and for attention_sparsity, which has neither"

    static func table(_ comparisons: [AxisComparison], _ collector: ErrorCollector) -> Table {
        var table = Table(
            name: "paper-table-2",
            meaning:
                "KIVI's Table 2: relative errors averaged over all layers and heads, with scales per token and per "
                + "channel, ours beside the paper's (Llama-2-13B; its bit width and text are not stated).",
            columns: [
                .init("metric", .string, "metric id"),
                .init("quantity", .string, "the paper's symbol: K, A (attention weights), V, AV (attention output)"),
                .init("reading", .string, "element-wise mean (the reading that fits the paper), or relative norm"),
                .init("per_token", .number, "ours, scales per token"),
                .init("per_channel", .number, "ours, scales per channel"),
                .init("ratio", .number, "per_token / per_channel, ours"),
                .init("paper_per_token", .number, "the paper's, scales per token; \(paperScope)"),
                .init("paper_per_channel", .number, "the paper's, scales per channel; \(paperScope)"),
                .init("paper_ratio", .number, "per_token / per_channel, the paper's; \(paperScope)"),
                .init("bits", .integer, unit: "bit", "bits of one code, ours"),
                AxisComparison.groupColumn,
                .init(
                    "same_direction",
                    .string,
                    "yes if ours and the paper's ratio of the quantity lie on the same side of 1, in any reading"
                ),
                .init("layers_same_direction", .integer, unit: "layer", "layers whose own ratio does"),
                .init("layers", .integer, unit: "layer", "layers that have a ratio"),
                AxisComparison.groupingColumn,
            ]
        )
        for quantity in quantities {
            for (metric, reading) in [(quantity.elementwise, "element-wise mean"), (quantity.norm, "relative norm")] {
                for comparison in comparisons {
                    let series = collector.series[comparison.series]
                    guard series.metric.id == metric.id, series.part == quantity.part else { continue }
                    append(to: &table, quantity, metric, reading, comparison)
                }
            }
        }
        appendSparsity(to: &table, collector)
        return table
    }

    private static func append(
        to table: inout Table,
        _ quantity: Quantity,
        _ metric: any ErrorMetric.Type,
        _ reading: String,
        _ comparison: AxisComparison
    ) {
        let layers = zip(comparison.perToken, comparison.perChannel).compactMap { token, channel in
            token.flatMap { token in channel.map { (token: token, channel: $0) } }
        }
        guard let perToken = mean(layers.map { $0.token }), let perChannel = mean(layers.map { $0.channel }) else {
            return
        }
        let isTokenWorse = quantity.perToken > quantity.perChannel
        func isSame(_ token: Double, _ channel: Double) -> Bool { isTokenWorse ? token > channel : token < channel }
        let isPapersReading =
            metric.id == quantity.elementwise.id && comparison.bits == paperBits
            && comparison.grouping == paperGrouping
        let paper: [Table.Value] =
            isPapersReading
            ? [quantity.perToken, quantity.perChannel, quantity.perToken / quantity.perChannel].map { .number($0) }
            : [.missing, .missing, .missing]
        let ours: [Table.Value] = [
            .string(metric.id), .string(quantity.symbol), .string(reading),
            .number(perToken), .number(perChannel), AxisComparison.ratioCell(perToken, perChannel),
        ]
        let setting: [Table.Value] = [
            .integer(comparison.bits), comparison.grouping.cells[0],
            .string(isSame(perToken, perChannel) ? "yes" : "no"),
            .integer(layers.filter { isSame($0.token, $0.channel) }.count), .integer(layers.count),
            comparison.grouping.cells[1],
        ]
        table.append(ours + paper + setting)
    }

    /// The exact attention's sparsity, which no axis, width or group changes: the same number in both columns.
    private static func appendSparsity(to table: inout Table, _ collector: ErrorCollector) {
        guard let series = collector.series.firstIndex(where: { $0.metric.id == AttentionSparsity.id }),
            let control = collector.plan.schemes.firstIndex(where: { $0.isLossless }),
            let ours = mean(
                collector.layers.indices.compactMap {
                    collector.meanOverHeads(layer: $0, scheme: control, series: series)
                }
            )
        else { return }
        table.append([
            .string(AttentionSparsity.id), .string("A"), .string("share of entries"),
            .number(ours), .number(ours), .missing, .number(paperSparsity), .number(paperSparsity), .missing,
            .missing, .missing, .missing, .missing, .missing, .missing,
        ])
    }
}
