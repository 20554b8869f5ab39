import Quantization

/// What an error study computes. Every field has a default, and all are stored with the results.
public struct ErrorStudySettings: Sendable, Equatable, Codable {
    /// Cache schemes; `identity` is added if it is missing, as the zero control.
    public var schemes: [CacheScheme]
    /// Metric ids.
    public var metrics: [String]
    /// Layers to evaluate; `nil` for all that were captured.
    public var layers: [Int]?
    /// Query positions used of one sequence, for metrics that need queries; evenly spaced, the last included.
    public var maximumQueries: Int
    /// Least distance between two query positions, in tokens.
    public var queryStride: Int
    /// One window for all schemes in place of their own; `nil` keeps those.
    public var equalWindow: WindowPolicy?

    public init(
        schemes: [CacheScheme] = ErrorStudySettings.defaultSchemes,
        metrics: [String] = MetricCatalogue.all.map { $0.id },
        layers: [Int]? = nil,
        maximumQueries: Int = 256,
        queryStride: Int = 1,
        equalWindow: WindowPolicy? = nil
    ) {
        self.schemes = schemes
        self.metrics = metrics
        self.layers = layers
        self.maximumQueries = maximumQueries
        self.queryStride = queryStride
        self.equalWindow = equalWindow
    }

    /// The schemes with the window that they are compared with.
    var requestedSchemes: [CacheScheme] {
        guard let equalWindow else { return schemes }
        return schemes.map { $0.isLossless ? $0 : CacheScheme(key: $0.key, value: $0.value, window: equalWindow) }
    }

    /// The four combinations of KIVI's Table 1 at 2 and 4 bits with groups of 32, 8 bits both
    /// ways, and KIVI itself.
    public static let defaultSchemes: [CacheScheme] = {
        let terms = [
            "identity",
            "rtn-int2-token-g32", "rtn-int2-channel-g32",
            "rtn-int2-channel-g32/rtn-int2-token-g32", "rtn-int2-token-g32/rtn-int2-channel-g32",
            "rtn-int4-token-g32", "rtn-int4-channel-g32",
            "rtn-int4-channel-g32/rtn-int4-token-g32", "rtn-int4-token-g32/rtn-int4-channel-g32",
            "rtn-int8-token-g32", "rtn-int8-channel-g32",
            "kivi-2-g32-r128", "kivi-4-g32-r128",
        ]
        // A test reads every term; one that could not be read would be missing from the list.
        return terms.compactMap { try? CacheScheme(parsing: $0) }
    }()

    /// Keys of the coded form, for a reader that refuses others.
    public static var keys: [String] { CodingKeys.allCases.map { $0.rawValue } }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case schemes, metrics, layers
        case maximumQueries = "maximum_queries"
        case queryStride = "query_stride"
        case equalWindow = "window"
    }

    /// Missing keys take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = ErrorStudySettings()
        self.init(
            schemes: try container.decodeIfPresent([CacheScheme].self, forKey: .schemes) ?? standard.schemes,
            metrics: try container.decodeIfPresent([String].self, forKey: .metrics) ?? standard.metrics,
            layers: try container.decodeIfPresent([Int].self, forKey: .layers),
            maximumQueries: try container.decodeIfPresent(Int.self, forKey: .maximumQueries) ?? standard.maximumQueries,
            queryStride: try container.decodeIfPresent(Int.self, forKey: .queryStride) ?? standard.queryStride,
            equalWindow: try container.decodeIfPresent(String.self, forKey: .equalWindow)
                .map { try WindowPolicy(equal: $0) }
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schemes, forKey: .schemes)
        try container.encode(metrics, forKey: .metrics)
        try container.encodeIfPresent(layers, forKey: .layers)
        try container.encode(maximumQueries, forKey: .maximumQueries)
        try container.encode(queryStride, forKey: .queryStride)
        try container.encodeIfPresent(equalWindow?.equalTerm, forKey: .equalWindow)
    }
}
