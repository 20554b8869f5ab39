import Plotting
import TensorCore

/// |x| of one layer, tensor and head over token bins × channels, from table `magnitude`.
struct MagnitudeGrid {
    let layer: Int
    let tensor: String
    let head: Int
    /// First token of the first bin, and last token of the last.
    let tokens: ClosedRange<Int>
    /// Channel of each column.
    let channels: ClosedRange<Int>
    /// `[token bin][channel]`; `nan` where the table has no row.
    let rows: [[Double]]
    /// Tokens that the largest bin stands for.
    let tokensPerBin: Int
    /// Tokens that the largest bin of the table stands for.
    let tokensPerBinOfTable: Int
    /// Channels that one column stands for.
    var channelsPerColumn = 1
    /// Median of the absolute maxima of all channels of the layer's tensor; `nil` where no table tells.
    var tensorMedian: Double?

    /// A channel that stands out.
    struct Peak {
        let channel: Int
        /// Greatest magnitude of the channel to the median channel's.
        let ratio: Double
    }

    /// Greatest magnitude of each column.
    var columnMaxima: [Double] {
        (0..<(rows.first?.count ?? 0)).map { column in
            rows.reduce(-Double.infinity) { $1[column].isFinite ? max($0, $1[column]) : $0 }
        }
    }

    /// Whose median channel ratios refer to.
    var medianName: String { tensorMedian == nil ? "the head's median channel" : "the layer's median channel" }

    /// Channels from the widest on.
    var peaks: [Peak] {
        let maxima = columnMaxima
        let middle = tensorMedian ?? median(maxima)
        guard middle > 0 else { return [] }
        return maxima.enumerated().filter { $0.element.isFinite }
            .sorted { ($0.element, $1.offset) > ($1.element, $0.offset) }
            .map { Peak(channel: channels.lowerBound + $0.offset, ratio: $0.element / middle) }
    }

    var widest: Peak? { peaks.first }

    /// Channels that are wider than both neighbours, from the widest on: one a ridge.
    var ridges: [Peak] {
        let maxima = columnMaxima
        func maximum(_ column: Int) -> Double { maxima.indices.contains(column) ? maxima[column] : -.infinity }
        return peaks.filter { peak in
            let column = peak.channel - channels.lowerBound
            return maximum(column) >= max(maximum(column - 1), maximum(column + 1))
        }
    }

    /// Row and column of the greatest magnitude of a channel.
    func place(of channel: Int) -> (row: Int, column: Int) {
        let column = (channel - channels.lowerBound) / channelsPerColumn
        let row = rows.indices.max { (rows[$0][column], $1) < (rows[$1][column], $0) } ?? 0
        return (row, column)
    }

    /// The grid with at most the given numbers of bins and channels, reduced by maximum so that no peak is lost.
    func reduced(bins: Int, channels limit: Int = 128) -> MagnitudeGrid {
        let columns = rows.first?.count ?? 0
        let (binStep, channelStep) = (Self.step(rows.count, bins), Self.step(columns, limit))
        guard binStep > 1 || channelStep > 1 else { return self }
        let reduced = stride(from: 0, to: rows.count, by: binStep).map { first in
            stride(from: 0, to: columns, by: channelStep).map { left in
                var peak = Double.nan
                for row in first..<min(first + binStep, rows.count) {
                    for column in left..<min(left + channelStep, columns) where !(rows[row][column] <= peak) {
                        peak = rows[row][column]
                    }
                }
                return peak
            }
        }
        return MagnitudeGrid(
            layer: layer,
            tensor: tensor,
            head: head,
            tokens: tokens,
            channels: channels,
            rows: reduced,
            tokensPerBin: tokensPerBin * binStep,
            tokensPerBinOfTable: tokensPerBinOfTable,
            channelsPerColumn: channelStep,
            tensorMedian: tensorMedian
        )
    }

    private static func step(_ count: Int, _ limit: Int) -> Int { max(1, (count + limit - 1) / limit) }
}
