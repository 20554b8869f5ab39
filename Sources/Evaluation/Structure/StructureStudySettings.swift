import Inference

/// What a structure study computes. Every field has a default, and all are stored with the results.
public struct StructureStudySettings: Sendable, Equatable, Codable {
    /// Without repeats, in the order of `StructureAnalysis.allCases`.
    public var analyses: [StructureAnalysis]
    /// Tensors to look at; `nil` for all that were captured. Attention takes keys, values and queries in any case.
    public var tensors: [CapturedTensor]?
    /// Layers to look at; `nil` for all that were captured.
    public var layers: [Int]?
    /// Query positions of a sequence, evenly spaced, whose attention is computed.
    public var maximumQueries: Int
    /// Tokens from the start of a sequence that attention is computed over; they bound its memory.
    public var maximumAttentionTokens: Int
    /// Equal parts of a sequence that are compared for the stability of channels.
    public var blocks: Int

    public init(
        analyses: [StructureAnalysis] = StructureAnalysis.allCases,
        tensors: [CapturedTensor]? = nil,
        layers: [Int]? = nil,
        maximumQueries: Int = 256,
        maximumAttentionTokens: Int = 32_768,
        blocks: Int = 4
    ) {
        self.analyses = StructureAnalysis.allCases.filter { analyses.contains($0) }
        self.tensors = tensors
        self.layers = layers
        self.maximumQueries = maximumQueries
        self.maximumAttentionTokens = maximumAttentionTokens
        self.blocks = blocks
    }

    /// Keys of the coded form, for a reader that refuses others.
    public static var keys: [String] { CodingKeys.allCases.map { $0.rawValue } }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case analyses, tensors, layers
        case maximumQueries = "max_queries"
        case maximumAttentionTokens = "max_attention_tokens"
        case blocks
    }

    /// Missing keys take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = StructureStudySettings()
        self.init(
            analyses: try container.decodeIfPresent([StructureAnalysis].self, forKey: .analyses) ?? standard.analyses,
            tensors: try container.decodeIfPresent([CapturedTensor].self, forKey: .tensors),
            layers: try container.decodeIfPresent([Int].self, forKey: .layers),
            maximumQueries: try container.decodeIfPresent(Int.self, forKey: .maximumQueries)
                ?? standard.maximumQueries,
            maximumAttentionTokens: try container.decodeIfPresent(Int.self, forKey: .maximumAttentionTokens)
                ?? standard.maximumAttentionTokens,
            blocks: try container.decodeIfPresent(Int.self, forKey: .blocks) ?? standard.blocks
        )
    }

    /// - Throws: `StructureStudyError.setting`.
    func validate() throws {
        guard !analyses.isEmpty else {
            throw StructureStudyError(setting: "analyses", value: "empty", expected: "one analysis or more")
        }
        for (name, value, least) in [
            ("max_queries", maximumQueries, 1), ("max_attention_tokens", maximumAttentionTokens, 1),
            ("blocks", blocks, 2),
        ] where value < least {
            throw StructureStudyError(setting: name, value: "\(value)", expected: "\(least) or more")
        }
    }
}
