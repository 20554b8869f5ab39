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
    private func expectRows(_ grain: Grain, _ rows: [[Table.Value]], _ expected: [[String: Double?]], isExact: Bool) {
        var table = StatisticsTable.empty(grain)
        rows.forEach { table.append($0) }
        #expect(table.rows.count == expected.count)
        for (row, values) in zip(table.rowViews, expected) {
            for (column, value) in values {
                let found = row.number(column)
                let (tolerance, floor) = budget(column, row, isExact: isExact)
                #expect(
                    isClose(found, value, relative: tolerance, floor: floor),
                    "\(grain) \(column): \(String(describing: found)) for \(String(describing: value))"
                )
            }
        }
    }

    /// Relative error allowed in a column, and the least magnitude that it is relative to.
    private func budget(_ column: String, _ row: Table.RowView, isExact: Bool) -> (Double, Double) {
        switch column {
        // No error beyond the bin of an element; below 2⁻¹⁴ a bin has a fixed width.
        case _ where column.hasPrefix("quantile"): isExact ? (0, 0) : (QuantileSketch.relativeError, 0x1p-14)
        case "mean": (promisedError, row.number("mean_absolute") ?? 0)
        // The error is one of m4 / m2², which is 3 more.
        case "excess_kurtosis": (promisedError, (row.number(column) ?? 0) + 3)
        case "standard_deviation", "mean_absolute": (promisedError, 0)
        // Counts, extremes, and shares: no element of this set lies in the bin of the six-sigma threshold.
        default: (1e-12, 0)
        }
    }

    @Test func channelsAgree() {
        expectRows(
            .channel,
            StatisticsTable.rows(.channel, of: summary, layer: 0, tensor: "key"),
            golden.channel,
            isExact: false
        )
    }

    @Test func headsAndLayerAgree() {
        let layer = StatisticsTable.rows(.layer, of: summary, layer: 0, tensor: "key")
        expectRows(
            .head,
            StatisticsTable.rows(.head, of: summary, layer: 0, tensor: "key"),
            golden.head,
            isExact: false
        )
        expectRows(.layer, layer, golden.layer, isExact: false)
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
        expectRows(.token, shown, golden.token, isExact: true)
    }
}
