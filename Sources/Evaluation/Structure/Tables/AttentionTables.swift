import TensorCore

extension StructureTables {
    /// Tokens of largest share listed for each layer.
    static let listedSinks = 16

    static let attentionSinks = Table(
        name: "attention-sinks",
        meaning: """
            The \(listedSinks) tokens of a layer that get most attention, and the first \(LayerAttention.firstTokens) \
            tokens of each of the first \(PartMaxima.sequenceLimit) sequences, in the order of tokens.
            """,
        columns: [
            layer,
            Table.Column("token", .integer, unit: "token", "Token of the capture, from 0."),
            Table.Column("position", .integer, unit: "token", "Place within its sequence, from 0."),
            Table.Column("piece", .string, "The token as text."),
            Table.Column(
                "attention_share",
                .number,
                "Mean causal attention (after softmax) that the token gets, over query heads and over the sampled later "
                    + "queries. Missing for a token that none of them sees."
            ),
            Table.Column(
                "head_share",
                .number,
                "Share of the query heads that give it more than \(LayerAttention.sinkShare) on average."
            ),
            Table.Column("key_norm", .number, "‖k‖ within a head, mean over heads; missing with NaN or infinity."),
            Table.Column("value_norm", .number, "‖v‖ likewise; missing without values."),
            Table.Column("key_norm_to_median", .number, "key_norm over its median over the sequence's tokens."),
            Table.Column("value_norm_to_median", .number, "value_norm over its median over the sequence's tokens."),
            Table.Column(
                "is_sink",
                .string,
                "yes if attention_share is above \(LayerAttention.sinkShare) and at least "
                    + "\(LayerAttention.observers) sampled queries see the token (half of them where there are fewer), "
                    + "else no."
            ),
        ]
    )

    static let attentionProfile = Table(
        name: "attention-profile",
        meaning:
            "How concentrated the causal attention of a query head is, mean over sampled queries of all sequences.",
        columns: [
            layer,
            Table.Column("head", .integer, "Query head, from 0."),
            Table.Column("entropy", .number, unit: "nat", "−Σ a ln a of a query's weights a."),
            Table.Column(
                "sparsity",
                .number,
                "Share of visible tokens, in a layer with a window those within it, with a weight below 1 % of the "
                    + "largest."
            ),
            Table.Column(
                "first_\(LayerAttention.firstTokens)_share",
                .number,
                "Weight of the first \(LayerAttention.firstTokens) tokens of the sequence; 0 for queries whose window has "
                    + "left them."
            ),
            Table.Column(
                "recent_\(LayerAttention.recentTokens)_share",
                .number,
                "Weight of the last \(LayerAttention.recentTokens) visible tokens, the query's own included."
            ),
            Table.Column("tokens_for_90", .number, "Fewest tokens with 90 % of the weight, over the visible tokens."),
        ]
    )

    static func row(of profile: LayerAttention.Profile, layer: Int, head: Int) -> [Table.Value] {
        let sums = [profile.entropy, profile.sparsity, profile.firstShare, profile.recentShare, profile.tokenShare]
        return [.integer(layer), .integer(head)]
            + sums.map { profile.rows > 0 ? .number($0 / Double(profile.rows)) : .missing }
    }
}
