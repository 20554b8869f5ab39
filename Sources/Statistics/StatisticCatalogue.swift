import TensorCore

/// Every statistic, in the order of the columns.
public enum StatisticCatalogue {
    public static let all: [any Statistic] = {
        let statistics: [any Statistic] = [
            ElementCount(),
            Minimum(),
            Maximum(),
            Mean(),
            StandardDeviation(),
            AbsoluteMaximum(),
            MeanAbsolute(),
            ExcessKurtosis(),
            Quantile(probability: 0.001, id: "quantile_001"),
            Quantile(probability: 0.01, id: "quantile_01"),
            Quantile(probability: 0.25, id: "quantile_25"),
            Quantile(probability: 0.5, id: "quantile_50"),
            Quantile(probability: 0.75, id: "quantile_75"),
            Quantile(probability: 0.99, id: "quantile_99"),
            Quantile(probability: 0.999, id: "quantile_999"),
            SixSigmaShare(),
            RangeToMedianChannel(),
            NonfiniteCount(),
            NaNCount(),
            MagnitudeShare(threshold: 6, id: "share_at_least_6", source: "the magnitude rule of LLM.int8()"),
            MagnitudeShare(threshold: 100, id: "share_at_least_100", source: "the floor for massive activations"),
            CentralRangeShare(),
            OutlierChannelCount(multiple: 5),
            OutlierChannelCount(multiple: 10),
            Skewness(),
            RootMeanSquare(),
            EuclideanNorm(),
            QuantileElementCount(),
        ]
        precondition(Set(statistics.map { $0.id }).count == statistics.count, "two statistics share an id")
        return statistics
    }()

    /// The statistics that a table of this grain has, in the order of the columns.
    public static func statistics(for grain: Grain) -> [any Statistic] {
        all.filter { $0.grains.contains(grain) }
    }

    /// - Throws: `StatisticsError.unknownStatistic`, with the nearest name.
    public static func statistic(id: String) throws -> any Statistic {
        guard let found = all.first(where: { $0.id == id }) else {
            throw StatisticsError.unknownStatistic(id, nearest: nearestName(to: id, in: all.map { $0.id }))
        }
        return found
    }
}
