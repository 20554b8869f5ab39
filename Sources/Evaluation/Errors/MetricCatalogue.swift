import Quantization
import TensorCore

/// Every error metric.
public enum MetricCatalogue {
    /// One line a metric. A test finds conforming types that are missing here.
    package static let metrics: [any ErrorMetric.Type] = [
        MeanAbsoluteRelativeError.self,
        RelativeFrobenius.self,
        MeanSquaredError.self,
        SignalToNoise.self,
        ScoreRelativeError.self,
        ScoreRelativeFrobenius.self,
        QueryWeightedKeyError.self,
        OutputErrorOfKeys.self,
        OutputErrorOfKeysElementwise.self,
        OutputErrorOfValues.self,
        OutputErrorOfValuesElementwise.self,
        OutputErrorOfBoth.self,
        OutputErrorOfBothElementwise.self,
        AttentionSparsity.self,
    ]

    /// One description a metric. Traps if an id occurs twice.
    public static let all: [MetricDescription] = {
        var seen: Set<String> = []
        return metrics.map { metric in
            precondition(seen.insert(metric.id).inserted, "two metrics are named \(metric.id)")
            return MetricDescription(metric)
        }
    }()

    /// The ids as given, if each is known.
    ///
    /// - Throws: `ErrorStudyError.unknownMetric` with the nearest id.
    public static func checked(_ ids: [String]) throws -> [String] {
        _ = try metrics(ids)
        return ids
    }

    /// The metrics of the given ids, in the catalogue's order and once each.
    ///
    /// - Throws: `ErrorStudyError.unknownMetric` with the nearest id.
    static func metrics(_ ids: [String]) throws -> [any ErrorMetric.Type] {
        for id in ids where !all.contains(where: { $0.id == id }) {
            throw ErrorStudyError.unknownMetric(id, nearest: nearestName(to: id, in: all.lazy.map { $0.id }))
        }
        return metrics.filter { metric in ids.contains { $0 == metric.id } }
    }
}

/// What a list of metrics prints of one.
public struct MetricDescription: Sendable, Equatable, Codable {
    public let id: String
    public let unit: String
    public let definition: String
    public let direction: MetricDirection
    public let subject: MetricSubject
    public let needsQueries: Bool
    public let source: PaperSource

    init(_ metric: any ErrorMetric.Type) {
        id = metric.id
        unit = metric.unit
        definition = metric.definition
        direction = metric.direction
        subject = metric.subject
        needsQueries = metric.subject.needsQueries
        source = metric.source
    }
}
