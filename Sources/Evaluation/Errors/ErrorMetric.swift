import Quantization

/// A number that says how much a scheme changed something.
///
/// Adding one is a type in `Metrics/` and a line in `MetricCatalogue.metrics`.
public protocol ErrorMetric: Sendable {
    /// Permanent id; the `metric` column of tables.
    static var id: String { get }
    /// Empty for a pure number.
    static var unit: String { get }
    /// The formula in words, with what is averaged over what.
    static var definition: String { get }
    static var direction: MetricDirection { get }
    /// What is compared with what.
    static var subject: MetricSubject { get }
    /// Where the metric comes from.
    static var source: PaperSource { get }
    /// The metric of one head, or `nil` if nothing could be compared.
    static func value(_ deviation: Deviation) -> Double?
}

extension ErrorMetric {
    /// The value if nothing differs: the zero control.
    static var exactValue: Double { direction == .higherIsBetter ? .infinity : 0 }
}

/// Whether more of a metric is better.
public enum MetricDirection: String, Sendable, Codable {
    case lowerIsBetter = "lower is better"
    case higherIsBetter = "higher is better"
    /// Describes the model and not the scheme.
    case descriptive
}

/// The two things that a metric compares.
public enum MetricSubject: String, Sendable, Codable, CaseIterable {
    /// Keys or values, before and after the cache.
    case reconstruction
    /// Attention weights, with exact and with cached keys.
    case scores
    /// Keys in the metric of their queries.
    case queriedKeys = "queried-keys"
    /// Attention output with cached keys and exact values.
    case outputOfKeys = "output-key"
    /// Attention output with exact keys and cached values.
    case outputOfValues = "output-value"
    /// Attention output with both from the cache.
    case outputOfBoth = "output-pair"
    /// The exact attention weights alone.
    case attention

    /// True if captured queries are needed.
    public var needsQueries: Bool { self != .reconstruction }

    /// The `tensor` column of rows with such a metric: what was quantized.
    var tensors: [QuantizedPart] {
        switch self {
        case .reconstruction: [.key, .value]
        case .scores, .queriedKeys, .outputOfKeys, .attention: [.key]
        case .outputOfValues: [.value]
        case .outputOfBoth: [.pair]
        }
    }
}

/// What of a cache was quantized for a row.
enum QuantizedPart: String, CaseIterable {
    case key
    case value
    case pair
}
