import Quantization
import TensorCore

/// One metric of round-to-nearest per token and per channel, alike in everything else.
///
/// Alike means that as many elements really share a scale: `g128` per token is 64 on heads of 64 channels, and has
/// no partner in `g128` per channel.
struct AxisComparison {
    /// Place in the collector's series.
    let series: Int
    let bits: Int
    let grouping: Grouping
    /// Mean over heads for each of the collector's layers.
    let perToken: [Double?]
    let perChannel: [Double?]

    /// What one scale spans.
    enum Grouping: Equatable {
        /// This many elements, the same number along both axes.
        case equal(Int)
        /// All channels of a head's token, or all tokens of a channel: as a rule not the same number.
        case wholeAxis

        /// For the columns `group_size` and `grouping`.
        var cells: [Table.Value] {
            switch self {
            case .equal(let count): [.integer(count), .string("equal groups")]
            case .wholeAxis: [.missing, .string("whole axis")]
            }
        }
    }

    /// Every comparison for which both schemes ran without a window.
    static func all(in collector: ErrorCollector) -> [AxisComparison] {
        var keys: [Parameters] = []
        for scheme in collector.plan.schemes where scheme.window == .none {
            for side in CacheSide.allCases {
                guard let found = parameters(of: scheme, side, collector)?.parameters else { continue }
                if !keys.contains(found) { keys.append(found) }
            }
        }
        return keys.flatMap { key in
            collector.series.indices.compactMap { comparison($0, key, collector) }
        }
    }

    static func table(_ comparisons: [AxisComparison], _ collector: ErrorCollector) -> Table {
        var table = Table(
            name: "per-token-vs-per-channel",
            meaning: "One metric of one layer, mean over heads, with scales per token and with scales per channel.",
            columns: [
                .init("layer", .integer, "layer, from 0"),
                .init("tensor", .string, "what was quantized: key, value or pair (both, along the same axis)"),
                .init("metric", .string, "metric id"),
                .init("bits", .integer, unit: "bit", "bits of one code"),
                groupColumn,
                .init("per_token", .number, "the metric with scales per token (channels reduced)"),
                .init("per_channel", .number, "the metric with scales per channel (tokens reduced)"),
                .init("ratio", .number, "per_token / per_channel"),
                groupingColumn,
            ]
        )
        for (place, layer) in collector.layers.enumerated() {
            for comparison in comparisons {
                guard let perToken = comparison.perToken[place], let perChannel = comparison.perChannel[place] else {
                    continue
                }
                let series = collector.series[comparison.series]
                table.append([
                    .integer(layer), .string(series.part.rawValue), .string(series.metric.id),
                    .integer(comparison.bits), comparison.grouping.cells[0],
                    .number(perToken), .number(perChannel), ratioCell(perToken, perChannel),
                    comparison.grouping.cells[1],
                ])
            }
        }
        return table
    }

    static let groupColumn = Table.Column(
        "group_size",
        .integer,
        unit: "element",
        "elements that share a scale, equal on both axes and no more than either has; missing for whole axes"
    )
    static let groupingColumn = Table.Column(
        "grouping",
        .string,
        "equal groups, or whole axis: all channels of a head's token against all tokens of a channel"
    )

    /// Missing where there is no ratio.
    static func ratioCell(_ a: Double, _ b: Double) -> Table.Value {
        let ratio = a / b
        return ratio.isFinite ? .number(ratio) : .missing
    }

    private struct Parameters: Equatable {
        let bits: Int
        let grouping: Grouping
    }

    /// `nil` for a side that is no round-to-nearest.
    private static func parameters(
        of scheme: CacheScheme,
        _ side: CacheSide,
        _ collector: ErrorCollector
    ) -> (parameters: Parameters, axis: ScaleSharing)? {
        guard let found = (scheme.scheme(for: side) as? RoundToNearestScheme)?.parameters else { return nil }
        if found.groupSize == .whole { return (Parameters(bits: found.bits, grouping: .wholeAxis), found.axis) }
        guard let count = collector.effectiveGroupSize(of: scheme, side: side) else { return nil }
        return (Parameters(bits: found.bits, grouping: .equal(count)), found.axis)
    }

    private static func comparison(
        _ series: Int,
        _ wanted: Parameters,
        _ collector: ErrorCollector
    ) -> AxisComparison? {
        let row = collector.series[series]
        guard row.metric.direction != .descriptive else { return nil }
        func scheme(_ axis: ScaleSharing) -> Int? {
            collector.plan.schemes.firstIndex { scheme in
                func isWanted(_ side: CacheSide) -> Bool {
                    guard let found = parameters(of: scheme, side, collector) else { return false }
                    return found.parameters == wanted && found.axis == axis
                }
                guard scheme.window == .none else { return false }
                return switch row.part {
                case .key: isWanted(.key)
                case .value: isWanted(.value)
                case .pair: isWanted(.key) && isWanted(.value)
                }
            }
        }
        guard let token = scheme(.perToken), let channel = scheme(.perChannel) else { return nil }
        func layers(_ scheme: Int) -> [Double?] {
            collector.layers.indices.map { collector.meanOverHeads(layer: $0, scheme: scheme, series: series) }
        }
        return AxisComparison(
            series: series,
            bits: wanted.bits,
            grouping: wanted.grouping,
            perToken: layers(token),
            perChannel: layers(channel)
        )
    }
}
