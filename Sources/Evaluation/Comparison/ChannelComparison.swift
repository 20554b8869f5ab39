import Statistics
import TensorCore

/// The table `compare-channels`: whether the same channels are large.
struct ChannelComparison {
    private(set) var table = Table(
        name: "compare-channels",
        meaning: "How far two layers agree on which channels of a tensor are large, by their largest |x|.",
        columns: [
            .init("tensor", .string, "key, key_pre_rope, value, query, …"),
            .init("layer_a", .integer, "layer of the first, from 0"),
            .init("layer_b", .integer, "layer of the second: the same, or the nearest by relative depth"),
            .init("channels", .integer, "channels of all heads"),
            .init("spearman", .number, "rank correlation of the channels' largest |x|, ties share their average rank"),
            .init("top_count", .integer, "channels compared by jaccard_top: 1 in 32, at least 1"),
            .init("jaccard_top", .number, "|A and B| / |A or B| of the top_count largest channels of each"),
            .init("outliers_a", .integer, "channels of the first beyond 5 times its median channel's largest |x|"),
            .init("outliers_b", .integer, "the same of the second"),
            .init("outliers_common", .integer, "channels that are outliers in both"),
            .init("jaccard_outliers", .number, "|A and B| / |A or B| of the outliers; missing if neither has any"),
            .init("largest_a", .string, "head:channel with the largest |x| of the first"),
            .init("largest_b", .string, "the same of the second"),
            .init("largest_multiple_a", .number, "that |x| over the median channel's"),
            .init("largest_multiple_b", .number, "the same of the second"),
        ]
    )
    /// Tensors whose heads or channels are not those of the other, with both shapes as text.
    private(set) var incomparable: [(tensor: String, a: String, b: String)] = []

    /// Largest magnitudes of the channels of one tensor of one layer, by head, then channel.
    private struct Maxima {
        var places: [Channel] = []
        var values: [Double] = []

        struct Channel: Hashable {
            let head: Int
            let channel: Int
        }

        var shape: String {
            let heads = Set(places.map { $0.head }).count
            return "\(heads) head\(heads == 1 ? "" : "s") of \(places.count / max(1, heads)) channels"
        }

        /// Of the channels that have a magnitude; of an even number the lower one of the middle.
        var median: Double? {
            let sorted = values.filter { !$0.isNaN }.sorted()
            return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
        }

        var outliers: Set<Channel> {
            guard let median, median > 0 else { return [] }
            return Set(zip(places, values).filter { $1 > OutlierChannel.threshold * median }.map { $0.0 })
        }

        var largest: (name: String, multiple: Double?)? {
            guard let index = ChannelAgreement.largest(1, of: values).first else { return nil }
            let place = places[index]
            return (
                "\(place.head):\(place.channel)", median.flatMap { $0 > 0 ? values[index] / $0 : nil }
            )
        }
    }

    init(_ a: Table, _ b: Table, tensors: [String], pairing: LayerPairing) {
        let maximaA = Self.maxima(a), maximaB = Self.maxima(b)
        for tensor in tensors {
            for pair in pairing.pairs {
                guard let one = maximaA[StatisticsComparison.Place(tensor: tensor, layer: pair.a)],
                    let other = maximaB[StatisticsComparison.Place(tensor: tensor, layer: pair.b)]
                else { continue }
                guard one.places == other.places else {
                    if !incomparable.contains(where: { $0.tensor == tensor }) {
                        incomparable.append((tensor, one.shape, other.shape))
                    }
                    continue
                }
                table.append([.string(tensor), .integer(pair.a), .integer(pair.b)] + Self.cells(one, other))
            }
        }
    }

    private static func cells(_ a: Maxima, _ b: Maxima) -> [Table.Value] {
        func number(_ value: Double?) -> Table.Value { value.map { .number($0) } ?? .missing }
        func text(_ value: String?) -> Table.Value { value.map { .string($0) } ?? .missing }
        let count = max(1, a.values.count / 32)
        let outliersA = a.outliers, outliersB = b.outliers
        return [
            .integer(a.values.count), number(ChannelAgreement.spearman(a.values, b.values)), .integer(count),
            number(ChannelAgreement.jaccardOfTop(a.values, b.values, count: count)), .integer(outliersA.count),
            .integer(outliersB.count), .integer(outliersA.intersection(outliersB).count),
            number(ChannelAgreement.jaccard(outliersA, outliersB)), text(a.largest?.name), text(b.largest?.name),
            number(a.largest?.multiple), number(b.largest?.multiple),
        ]
    }

    private static func maxima(_ table: Table) -> [StatisticsComparison.Place: Maxima] {
        var maxima: [StatisticsComparison.Place: Maxima] = [:]
        for row in table.rowViews {
            guard let tensor = row.string("tensor"), let layer = row.integer("layer"), let head = row.integer("head"),
                let channel = row.integer("channel")
            else { continue }
            let place = StatisticsComparison.Place(tensor: tensor, layer: layer)
            maxima[place, default: Maxima()].places.append(Maxima.Channel(head: head, channel: channel))
            maxima[place, default: Maxima()].values.append(row.number("absolute_maximum") ?? .nan)
        }
        return maxima
    }
}
