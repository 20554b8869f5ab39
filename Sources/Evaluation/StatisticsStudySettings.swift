import Inference
import Statistics

/// What a statistics study computes. Every field has a default, and all are stored with the results.
public struct StatisticsStudySettings: Sendable, Equatable, Codable {
    /// One table each. The token's table has a row a token, which may be millions: it is not a default.
    public var grains: [Grain]
    /// Tensors to describe; `nil` for all that were captured.
    public var tensors: [CapturedTensor]?
    /// Layers to describe; `nil` for all that were captured.
    public var layers: [Int]?
    /// Whether to add the table `histogram`, of each layer's tensors, and to an archive those of heads and channels.
    public var histogram: Bool
    /// Bytes of one tensor read at a time where chunks are compressed. Changes speed and memory, never results.
    public var slabBytes: Int

    public init(
        grains: [Grain] = [.channel, .head, .layer],
        tensors: [CapturedTensor]? = nil,
        layers: [Int]? = nil,
        histogram: Bool = false,
        slabBytes: Int = 1 << 20
    ) {
        self.grains = grains
        self.tensors = tensors
        self.layers = layers
        self.histogram = histogram
        self.slabBytes = slabBytes
    }

    /// Keys of the coded form, for a reader that refuses others.
    public static var keys: [String] { CodingKeys.allCases.map { $0.rawValue } }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case grains, tensors, layers, histogram
        case slabBytes = "slab_bytes"
    }

    /// Missing keys take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = StatisticsStudySettings()
        self.init(
            grains: try container.decodeIfPresent([Grain].self, forKey: .grains) ?? standard.grains,
            tensors: try container.decodeIfPresent([CapturedTensor].self, forKey: .tensors),
            layers: try container.decodeIfPresent([Int].self, forKey: .layers),
            histogram: try container.decodeIfPresent(Bool.self, forKey: .histogram) ?? standard.histogram,
            slabBytes: try container.decodeIfPresent(Int.self, forKey: .slabBytes) ?? standard.slabBytes
        )
    }
}
