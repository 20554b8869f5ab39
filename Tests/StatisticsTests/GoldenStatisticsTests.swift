import Foundation
import Kernels
import Statistics
import TensorCore
import Testing

/// Against numpy and scipy in float64; `Tests/Fixtures/statistics/make_golden.py` made the numbers.
@Suite struct GoldenStatisticsTests {
    private struct Golden: Decodable {
        let tokens: Int
        let heads: Int
        let channels: Int
        let bits: [UInt16]
        let channel: [[String: Double?]]
        let head: [[String: Double?]]
        let layer: [[String: Double?]]
        let shownTokens: [Int]
        let token: [[String: Double?]]
        let outlierChannels5X: Int
        let outlierChannels10X: Int

        enum CodingKeys: String, CodingKey {
            case tokens, heads, channels, bits, channel, head, layer, token
            case shownTokens = "shown_tokens"
            case outlierChannels5X = "outlier_channels_5x"
            case outlierChannels10X = "outlier_channels_10x"
        }
    }

    private let golden: Golden
    private let summary: TensorSummary

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/statistics/golden.json").standardized
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        var accumulator = TensorAccumulator(heads: golden.heads, headDim: golden.channels)
        golden.bits.withUnsafeBufferPointer { accumulator.append(half: $0) }
        self.golden = golden
        summary = accumulator.finish()
    }

    /// Compares a table's rows with the golden ones, column by column.
    private func expectRows(_ grain: Grain, _ rows: [[Table.Value]], _ expected: [[String: Double?]], exact: Bool) {
        var table = StatisticsTable.empty(grain)
        rows.forEach { table.append($0) }
        #expect(table.rows.count == expected.count)
        for (row, values) in zip(table.rowViews, expected) {
            for (column, value) in values {
                let found = row.number(column)
                let isQuantile = column.hasPrefix("quantile")
                let tolerance = isQuantile && !exact ? QuantileSketch.relativeError : 1e-9
                // Quantiles below 2⁻¹⁴ and means near 0 have an absolute bound.
                let floor = isQuantile ? 0x1p-14 : column == "mean" ? row.number("mean_absolute") ?? 1 : 0
                if column == "outlier_share_6sigma", !exact, let value {
                    expectShare(found, value, of: row)
                } else {
                    #expect(
                        isClose(found, value, relative: tolerance, floor: floor),
                        "\(grain) \(column): \(String(describing: found)) for \(String(describing: value))"
                    )
                }
            }
        }
    }

    /// No element of this set lies within 1/32 of the threshold, so the histogram's share is exact but for the
    /// part of the threshold's bin beyond it, which is empty.
    private func expectShare(_ found: Double?, _ expected: Double, of row: Table.RowView) {
        #expect(isClose(found, expected, relative: 1e-9), "\(row.string("tensor") ?? "")")
    }

    @Test func channelsAgree() {
        expectRows(
            .channel,
            StatisticsTable.rows(.channel, of: summary, layer: 0, tensor: "key"),
            golden.channel,
            exact: false
        )
    }

    @Test func headsAndLayerAgree() {
        let layer = StatisticsTable.rows(.layer, of: summary, layer: 0, tensor: "key")
        expectRows(.head, StatisticsTable.rows(.head, of: summary, layer: 0, tensor: "key"), golden.head, exact: false)
        expectRows(.layer, layer, golden.layer, exact: false)
        var table = StatisticsTable.empty(.layer)
        layer.forEach { table.append($0) }
        #expect(table[0, "outlier_channels_5x"] == .integer(golden.outlierChannels5X))
        #expect(table[0, "outlier_channels_10x"] == .integer(golden.outlierChannels10X))
    }

    @Test func tokensAgree() {
        let rows = golden.bits.withUnsafeBufferPointer { bits in
            TokenDistributions(heads: golden.heads, headDim: golden.channels).map(half: bits) {
                token,
                head,
                distribution in
                StatisticsTable.tokenRow(
                    distribution,
                    context: summary.context,
                    layer: 0,
                    tensor: "key",
                    head: head,
                    token: token
                )
            }
        }
        let shown = golden.shownTokens.flatMap { rows[$0 * golden.heads..<($0 + 1) * golden.heads] }
        expectRows(.token, shown, golden.token, exact: true)
    }
}
