/// A part of the structure study, which can be asked for alone.
public enum StructureAnalysis: String, Sendable, Codable, CaseIterable {
    case outliers, rotation, attention, locality, spectrum, layers, entropy, tiles, quantiles

    /// What it looks at, as `kvatlas list analyses` prints it.
    public var summary: String {
        switch self {
        case .outliers:
            "outliers by each definition in use, in which channels and tokens, and how stable between texts and blocks"
        case .rotation: "before against after a Hadamard rotation of each head vector, and RoPE; distance to a Gaussian"
        case .attention: "attention sinks, and how concentrated and how recent the attention of each query head is"
        case .locality: "how alike neighbouring tokens are: their cosine, the variance of differences"
        case .spectrum: "singular values and effective rank of each head"
        case .layers: "how well a layer follows from the one before: ridge regression on half of the tokens"
        case .entropy: "entropy of round-to-nearest codes against their bits"
        case .tiles: "imbalance of the variances of the rows and columns of tiles"
        case .quantiles: "quantiles from 2^-14 to 1 - 2^-14 beside those of a Gaussian"
        }
    }

    /// Tables it makes, in order.
    public var tables: [String] {
        switch self {
        case .outliers: ["outlier-definitions", "outlier-channel-sets", "outlier-stability"]
        case .rotation: ["transform-effects"]
        case .attention: ["attention-sinks", "attention-profile"]
        case .locality: ["locality"]
        case .spectrum: ["spectrum", "spectrum-summary"]
        case .layers: ["cross-layer"]
        case .entropy: ["code-entropy"]
        case .tiles: ["tile-imbalance"]
        case .quantiles: ["distribution-quantiles"]
        }
    }

    /// Whether it looks at captured queries, and so is left out of a capture without.
    public var needsQueries: Bool { self == .attention }
}
