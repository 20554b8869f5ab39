/// A channel ranked by how far its magnitude stands out.
public struct OutlierChannel: Sendable, Equatable {
    public let head: Int
    public let channel: Int
    public let absoluteMaximum: Double
    /// Absolute maximum over that of the tensor's median channel; `nil` when the median channel is all zero.
    public let ratioToMedian: Double?
    /// From 1, the largest.
    public let rank: Int
    /// Whether the ratio is above `threshold`.
    public let isOutlier: Bool

    /// Channels of more than this many times the median channel's absolute maximum are outliers.
    public static let threshold = 5.0
    /// Channels listed when there is no outlier, to show what was the nearest.
    public static let shownWithoutOutliers = 3
}

extension TensorSummary {
    /// The outlier channels, largest first; without any, the three largest channels, marked as no outliers.
    ///
    /// Ties are listed in the order of head and channel.
    public func outlierChannels() -> [OutlierChannel] {
        let ranked = context.channelAbsoluteMaxima.enumerated()
            .compactMap { index, maximum in maximum.map { (index: index, maximum: $0) } }
            .sorted { ($1.maximum, $0.index) < ($0.maximum, $1.index) }
        let all = ranked.enumerated().map { place, entry in
            let ratio = context.ratioToMedianChannel(entry.maximum)
            return OutlierChannel(
                head: entry.index / headDim,
                channel: entry.index % headDim,
                absoluteMaximum: entry.maximum,
                ratioToMedian: ratio,
                rank: place + 1,
                isOutlier: ratio.map { $0 > OutlierChannel.threshold } ?? false
            )
        }
        let outliers = all.prefix { $0.isOutlier }
        return Array(outliers.isEmpty ? all.prefix(OutlierChannel.shownWithoutOutliers) : outliers)
    }
}
