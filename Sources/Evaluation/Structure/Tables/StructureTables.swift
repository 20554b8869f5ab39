import Capture
import Inference
import Statistics
import TensorCore

/// The tables of the structure study, without rows: names, units and definitions of their columns.
public enum StructureTables {
    static let layer = Table.Column("layer", .integer, "Layer, from 0.")
    static let tensor = Table.Column("tensor", .string, "key, key_pre_rope, value or query.")
    static let head = Table.Column("head", .integer, "Head of that tensor, from 0: key/value heads, or query heads.")
    static let finiteOnly = "Vectors with NaN or infinity are left out."

    /// The table of a name in `StructureAnalysis.tables`.
    ///
    /// - Precondition: there is one.
    public static func empty(_ name: String) -> Table {
        guard let table = all.first(where: { $0.name == name }) else { preconditionFailure("no table \(name)") }
        return table
    }

    /// In the order of the analyses.
    public static let all: [Table] = [
        outlierDefinitions, outlierChannelSets, outlierStability, transformEffects, attentionSinks, attentionProfile,
        locality, spectrum, spectrumSummary, crossLayer, codeEntropy, tileImbalance, quantiles,
    ]

    private static let transformEffects = Table(
        name: "transform-effects",
        meaning: """
            What rotations do to a tensor: none is the tensor as captured; hadamard each head vector times Sylvester's \
            matrix over its root. RoPE's effect is key_pre_rope against key.
            """,
        columns: [
            layer, tensor,
            Table.Column("transform", .string, "none, or hadamard (head sizes that are powers of two)."),
            Table.Column("excess_kurtosis", .number, "m4 / m2² − 3 over the layer's tensor; 0 for a Gaussian."),
            Table.Column("absolute_maximum", .number, "Largest magnitude, max |x|."),
            Table.Column(
                "range_to_median_channel",
                .number,
                "max |x| over the median, over head · channels, of the channel's max |x|; missing when that is 0."
            ),
            Table.Column(
                "outlier_channels_5x",
                .integer,
                unit: "channel",
                "Channels whose max |x| is more than 5 times that of the median channel."
            ),
            Table.Column(
                "ks_distance",
                .number,
                "Kolmogorov–Smirnov distance sup |F − Φ| of the head vectors' coordinates, each vector scaled to length "
                    + "√D, to a standard normal; within 10⁻⁴. \(finiteOnly)"
            ),
            Table.Column(
                "tail_mass_9973",
                .number,
                "Share of those coordinates beyond ±3, the 99.73 % point: 0.0027 for a Gaussian."
            ),
        ]
    )

    private static let locality = Table(
        name: "locality",
        meaning: "How alike neighbouring tokens of a head are, within sequences. \(finiteOnly)",
        columns: [
            layer, tensor, head,
            Table.Column(
                "neighbour_cosine_centred",
                .number,
                "Mean cosine of x_t − μ and x_{t−1} − μ, with μ the head's mean vector over all tokens: about 0 for "
                    + "independent tokens. Missing without neighbours that differ from μ."
            ),
            Table.Column(
                "neighbour_cosine",
                .number,
                "Mean cosine of x_t and x_{t−1} as they are: large by itself where tokens share a mean vector, of which "
                    + "an offset takes care. Missing without neighbours."
            ),
            Table.Column(
                "delta_variance_ratio",
                .number,
                "Variance, summed over channels, of x_t − x_{t−1} over that of x: 2 for independent tokens, below 1 where "
                    + "differences are cheaper to store. Missing without neighbours, or where no channel varies."
            ),
        ]
    )

    private static let spectrum = Table(
        name: "spectrum",
        meaning: "Singular values of a head's matrix of tokens × channels, not centred. \(finiteOnly)",
        columns: [
            layer, tensor, head,
            Table.Column("component", .integer, "From 1, the largest."),
            Table.Column("singular_value", .number, "σ; below 10⁻⁷ of the largest it is rounding or 0."),
            Table.Column(
                "energy_share_cumulative",
                .number,
                "Σσ² up to this component, over all; missing if all are 0."
            ),
        ]
    )

    private static let spectrumSummary = Table(
        name: "spectrum-summary",
        meaning: "How many directions a head's matrix of tokens × channels takes, from its singular values σ.",
        columns: [
            layer, tensor, head,
            Table.Column("effective_rank", .number, "exp(−Σ p ln p) with p = σ / Σσ (Roy and Vetterli 2007)."),
            Table.Column("stable_rank", .number, "Σσ² / σ₁²."),
            Table.Column("components_90", .integer, unit: "component", "Fewest components with 90 % of Σσ²."),
            Table.Column("components_99", .integer, unit: "component", "Fewest components with 99 % of Σσ²."),
        ]
    )

    private static let crossLayer = Table(
        name: "cross-layer",
        meaning: "How well a layer's tensor, all heads of a token together, follows from the layer before.",
        columns: [
            layer, tensor,
            Table.Column("from_layer", .integer, "The layer before."),
            Table.Column(
                "unexplained_variance",
                .number,
                "1 − R²: ‖prediction − X‖² / ‖X − mean of X‖² on the second half of each sequence, of ridge regression "
                    + "with a constant learnt on the first half (damping: a thousandth of the mean diagonal, as in "
                    + "AQUA-KV); above 1 where the mean alone is the better guess. Missing without tokens in either "
                    + "half, or where no channel varies."
            ),
            Table.Column(
                "delta_variance_ratio",
                .number,
                "Variance over all tokens, summed over channels, of X − X_before over that of X: below 1 where the "
                    + "difference of layers is cheaper to store. Missing where no channel varies."
            ),
        ]
    )

    private static let codeEntropy = Table(
        name: "code-entropy",
        meaning: "What an ideal entropy coder would leave of round-to-nearest codes (CacheGen's measure).",
        columns: [
            layer, tensor,
            Table.Column("scheme", .string, "The scheme that made the codes."),
            Table.Column("bits", .integer, unit: "bit", "Bits of a code."),
            Table.Column(
                "entropy_bits",
                .number,
                unit: "bit",
                "Shannon entropy of a channel's codes over tokens, mean over head · channels. Groups begin anew with each "
                    + "sequence; those with NaN or infinity are left out."
            ),
            Table.Column("entropy_share", .number, "entropy_bits over bits."),
        ]
    )

    private static let tileImbalance = Table(
        name: "tile-imbalance",
        meaning: """
            How unequal the standard deviations of rows and columns of tiles of tokens × channels are (KVarN's \
            objective); mean over tiles. Tiles with NaN, infinity, or a constant row or column are left out.
            """,
        columns: [
            layer, tensor, head,
            Table.Column("tile", .string, "Tokens × channels: 128×128, or fewer where head or sequence are smaller."),
            Table.Column("row_imbalance", .number, "Largest over smallest standard deviation of a token's channels."),
            Table.Column(
                "column_imbalance",
                .number,
                "Largest over smallest standard deviation of a channel's tokens."
            ),
            Table.Column("imbalance", .number, "row_imbalance + column_imbalance: 2 for a balanced tile."),
        ]
    )

    private static let quantiles = Table(
        name: "distribution-quantiles",
        meaning: "Quantiles of a layer's tensor beside those of a Gaussian, for a quantile–quantile plot.",
        columns: [
            layer, tensor,
            Table.Column("probability", .number, "Multiples of 1/40, 2^-k and 1 − 2^-k for k to 14."),
            Table.Column(
                "value",
                .number,
                "Smallest element with at least this share of all at or below it (nearest rank), within 1/32 of its "
                    + "magnitude."
            ),
            Table.Column("standard_normal", .number, "Φ⁻¹(probability)."),
            Table.Column("sample_mean", .number, "Mean of the tensor."),
            Table.Column("sample_standard_deviation", .number, "Standard deviation of the tensor."),
        ]
    )
}
