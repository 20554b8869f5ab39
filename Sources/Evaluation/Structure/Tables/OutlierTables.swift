import Inference
import Statistics
import TensorCore

extension StructureTables {
    /// Channels of a tensor that one definition lists at most in `outlier-channel-sets`.
    static let listedChannels = 16

    static let outlierDefinitions = Table(
        name: "outlier-definitions",
        meaning: "What each definition of outliers in use finds in a layer's tensor. NaN and infinity count nowhere.",
        columns: [
            layer, tensor,
            Table.Column("definition", .string, "Id of the definition."),
            Table.Column("rule", .string, "The definition as a sentence."),
            Table.Column(
                "threshold",
                .number,
                "What a channel's measure is compared with: a magnitude, a norm, or for percentiles the share of its "
                    + "elements. Missing for a tensor without finite elements, or of zeros."
            ),
            Table.Column("element_share", .number, "Outliers over the finite elements."),
            Table.Column(
                "channel_count",
                .integer,
                unit: "channel",
                "Channels, over all heads, that count as outliers."
            ),
            Table.Column("channel_share", .number, "channel_count over all head · channels."),
            Table.Column("token_share", .number, "Tokens with at least one outlier, over all tokens."),
        ]
    )

    static let outlierChannelSets = Table(
        name: "outlier-channel-sets",
        meaning: """
            Which channels each definition of outliers finds, furthest out first; of more than \(listedChannels) in a \
            layer's tensor, the first \(listedChannels).
            """,
        columns: [
            layer, tensor, head,
            Table.Column("channel", .integer, "Channel of the head, from 0."),
            Table.Column("definition", .string, "Id of the definition."),
            Table.Column(
                "measure",
                .number,
                "The value compared: max |x - mean| for sigma, the norm or mean |x| for top channels, the share of "
                    + "outliers for percentiles, else max |x|."
            ),
            Table.Column("multiple", .number, "measure over the definition's threshold."),
        ]
    )

    static let outlierStability = Table(
        name: "outlier-stability",
        meaning: """
            Whether the same channels are large in two parts of the capture: two sequences, two equal blocks of one, or \
            the keys before and after RoPE. Of more than \(PartMaxima.sequenceLimit) sequences, the first \
            \(PartMaxima.sequenceLimit). An outlier channel of a part is one whose max |x| is more than \
            \(stabilityMultiple) times the median, over head · channels, of the channel's max |x| in that part (the \
            definition \(OutlierDefinition.median(stabilityMultiple).id)).
            """,
        columns: [
            layer, tensor,
            Table.Column("kind", .string, "sequence, block, or rope (the whole capture before against after)."),
            Table.Column(
                "part_a",
                .string,
                "Name of the sequence, with the tokens [first, end) of a block; for rope, the tensor."
            ),
            Table.Column("part_b", .string, "The other part."),
            Table.Column("tokens_a", .integer, unit: "token", "Tokens of part_a."),
            Table.Column("tokens_b", .integer, unit: "token", "Tokens of part_b."),
            Table.Column(
                "spearman",
                .number,
                "Spearman's rank correlation of the channels' max |x| in the two parts, ties sharing ranks. Missing where "
                    + "all channels are equal."
            ),
            Table.Column("outliers_a", .integer, unit: "channel", "Outlier channels of part_a."),
            Table.Column("outliers_b", .integer, unit: "channel", "Outlier channels of part_b."),
            Table.Column(
                "jaccard",
                .number,
                "|A ∩ B| / |A ∪ B| of the two sets of outlier channels; missing where neither part has any."
            ),
        ]
    )

    static func rows(of finding: OutlierCounts.Finding, layer: Int, tensor: String) -> [Table.Value] {
        [
            .integer(layer), .string(tensor), .string(finding.definition.id), .string(finding.definition.rule),
            Table.Value(finding.threshold), Table.Value(finding.elementShare),
            finding.channelShare == nil ? .missing : .integer(finding.channels.count),
            Table.Value(finding.channelShare), Table.Value(finding.tokenShare),
        ]
    }

    static func channelRows(of finding: OutlierCounts.Finding, layer: Int, tensor: String) -> [[Table.Value]] {
        finding.channels.prefix(listedChannels).map { channel in
            [
                .integer(layer), .string(tensor), .integer(channel.head), .integer(channel.channel),
                .string(finding.definition.id), .number(channel.measure), .number(channel.multiple),
            ]
        }
    }

    /// Multiple of the median channel from which a channel of a part counts: that of `outlier_channels_5x`.
    static let stabilityMultiple = 5

    static func rows(of parts: PartMaxima, layer: Int, tensor: String) -> [[Table.Value]] {
        parts.pairs.map { first, second in
            [
                .integer(layer), .string(tensor), .string(first.kind), .string(first.name), .string(second.name),
                .integer(first.tokens.count), .integer(second.tokens.count),
            ] + agreement(first.measures, second.measures)
        }
    }

    /// The row of a layer's keys before RoPE against after.
    static func ropeRow(before: TensorExtents, after: TensorExtents, layer: Int) -> [Table.Value] {
        func measures(_ extents: TensorExtents) -> [Double] { extents.channels.map { $0.absoluteMaximum ?? .nan } }
        let (before, after) = ((before, CapturedTensor.keyPreRope), (after, CapturedTensor.key))
        return [
            .integer(layer), .string(after.1.rawValue), .string("rope"), .string(before.1.rawValue),
            .string(after.1.rawValue), .integer(before.0.tokens), .integer(after.0.tokens),
        ] + agreement(measures(before.0), measures(after.0))
    }

    private static func agreement(_ a: [Double], _ b: [Double]) -> [Table.Value] {
        let sets = [a, b].map { ChannelAgreement.outliers($0, beyond: Double(stabilityMultiple)) }
        let (first, second) = (sets[0], sets[1])
        return [
            Table.Value(ChannelAgreement.spearman(a, b)), .integer(first.count), .integer(second.count),
            Table.Value(ChannelAgreement.jaccard(first, second)),
        ]
    }
}
