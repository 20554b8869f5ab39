import Quantization
import TensorCore

/// One metric of round-to-nearest per token and per channel, alike in everything else.
struct AxisComparison {
    /// Place in the collector's series.
    let series: Int
    let bits: Int
    let groupSize: GroupSize
    /// Mean over heads for each of the collector's layers.
    let perToken: [Double?]
    let perChannel: [Double?]

    /// Every comparison for which both schemes ran without a window.
    static func all(in collector: ErrorCollector) -> [AxisComparison] {
        var keys: [Parameters] = []
        for scheme in collector.plan.schemes where scheme.window == .none {
            for case let side as RoundToNearestScheme in [scheme.key, scheme.value] {
                let found = Parameters(bits: side.parameters.bits, groupSize: side.parameters.groupSize)
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
                .init("group_size", .integer, unit: "element", "elements that share a scale; missing for whole rows"),
                .init("per_token", .number, "the metric with scales per token (channels reduced)"),
                .init("per_channel", .number, "the metric with scales per channel (tokens reduced)"),
                .init("ratio", .number, "per_token / per_channel"),
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
                    .integer(comparison.bits), groupCell(comparison.groupSize),
                    .number(perToken), .number(perChannel), ratioCell(perToken, perChannel),
                ])
            }
        }
        return table
    }

    static func groupCell(_ size: GroupSize) -> Table.Value {
        if case .elements(let count) = size { .integer(count) } else { .missing }
    }

    /// Missing where there is no ratio.
    static func ratioCell(_ a: Double, _ b: Double) -> Table.Value {
        let ratio = a / b
        return ratio.isFinite ? .number(ratio) : .missing
    }

    private struct Parameters: Equatable {
        let bits: Int
        let groupSize: GroupSize
    }

    private static func comparison(
        _ series: Int,
        _ parameters: Parameters,
        _ collector: ErrorCollector
    ) -> AxisComparison? {
        let row = collector.series[series]
        guard row.metric.direction != .descriptive else { return nil }
        func scheme(_ axis: ScaleSharing) -> Int? {
            let wanted = RoundToNearestScheme.Parameters(
                bits: parameters.bits,
                axis: axis,
                groupSize: parameters.groupSize
            )
            func isWanted(_ side: any TensorScheme) -> Bool {
                (side as? RoundToNearestScheme)?.parameters == wanted
            }
            return collector.plan.schemes.firstIndex { scheme in
                guard scheme.window == .none else { return false }
                return switch row.part {
                case .key: isWanted(scheme.key)
                case .value: isWanted(scheme.value)
                case .pair: isWanted(scheme.key) && isWanted(scheme.value)
                }
            }
        }
        guard let token = scheme(.perToken), let channel = scheme(.perChannel) else { return nil }
        func layers(_ scheme: Int) -> [Double?] {
            collector.layers.indices.map { collector.meanOverHeads(layer: $0, scheme: scheme, series: series) }
        }
        return AxisComparison(
            series: series,
            bits: parameters.bits,
            groupSize: parameters.groupSize,
            perToken: layers(token),
            perChannel: layers(channel)
        )
    }
}
