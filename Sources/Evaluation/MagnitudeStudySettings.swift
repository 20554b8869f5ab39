/// Which magnitudes a study tabulates. Every field has a default, and all are stored with the results.
public struct MagnitudeStudySettings: Sendable, Equatable, Codable {
    /// `nil` for an early, a middle and a late layer, the first, the middle and the last captured, and the layer
    /// whose widest key channel stands out most from its median channel.
    public var layers: [Int]?
    /// A head for all layers; `nil` for the head, in each layer, that has the key channel of largest magnitude
    /// against the layer's median channel.
    ///
    /// It counts key/value heads, and of queries beside them the first query head that reads it is taken. Where
    /// queries alone are shown, it counts query heads.
    public var head: Int?
    /// Those of these that were captured, and `key_rotated` or `value_rotated` for what a Hadamard rotation makes of
    /// them.
    public var tensors: [MagnitudeTensor]
    /// Longest token axis; more tokens are reduced to this many bins by maximum.
    public var maximumBins: Int

    public init(
        layers: [Int]? = nil,
        head: Int? = nil,
        tensors: [MagnitudeTensor] = [.key, .keyPreRope, .value],
        maximumBins: Int = 128
    ) {
        self.layers = layers
        self.head = head
        self.tensors = tensors
        self.maximumBins = maximumBins
    }

    /// Whether `head` is one of the query heads.
    var countsQueryHeads: Bool { !tensors.isEmpty && tensors.allSatisfy { $0 == .query } }

    /// Keys of the coded form, for a reader that refuses others.
    public static var keys: [String] { CodingKeys.allCases.map { $0.rawValue } }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case layers, head, tensors
        case maximumBins = "maximum_bins"
    }

    /// Missing keys take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = MagnitudeStudySettings()
        self.init(
            layers: try container.decodeIfPresent([Int].self, forKey: .layers),
            head: try container.decodeIfPresent(Int.self, forKey: .head),
            tensors: try container.decodeIfPresent([MagnitudeTensor].self, forKey: .tensors) ?? standard.tensors,
            maximumBins: try container.decodeIfPresent(Int.self, forKey: .maximumBins) ?? standard.maximumBins
        )
    }
}
