import TensorCore

/// What can stop an error study.
public enum ErrorStudyError: ActionableError, Equatable {
    case unknownMetric(String, nearest: String?)
    case setting(name: String, value: String, expected: String)
    case noLayer(Int, captured: [Int])
    /// The capture has no tensor that is always needed.
    case missingTensor(String, captured: [String])
    /// The capture has no queries, and these metrics need them.
    case missingQueries(metrics: [String], others: [String])
    case emptyCapture
    /// Query heads are no multiple of key/value heads.
    case headCounts(query: Int, keyValue: Int)
    /// The identity scheme changed something: the study cannot be trusted.
    case controlFailed(metric: String, layer: Int, head: Int, value: Double)
    /// A lossy scheme changed nothing at all.
    case nothingLost(scheme: String, tokens: Int, isAllWindow: Bool)

    public var problem: String {
        switch self {
        case .unknownMetric(let id, _): "there is no metric '\(id)'"
        case .setting(let name, let value, _): "\(name) is \(value)"
        case .noLayer(let layer, _): "layer \(layer) was not captured"
        case .missingTensor(let name, _): "the capture has no \(name) tensor"
        case .missingQueries(let metrics, _):
            "the capture has no query tensor, which \(metrics.joined(separator: ", ")) need\(metrics.count == 1 ? "s" : "")"
        case .emptyCapture: "the capture holds no tokens"
        case .headCounts(let query, let keyValue):
            "\(query) query heads cannot share \(keyValue) key/value heads evenly"
        case .controlFailed(let metric, let layer, let head, let value):
            "the zero control failed: \(metric) of 'identity' is \(value) in layer \(layer), head \(head)"
        case .nothingLost(let scheme, let tokens, let isAllWindow):
            isAllWindow
                ? "'\(scheme)' quantized nothing: its window holds all \(tokens) tokens"
                : "'\(scheme)' is lossy, but every one of its errors is exactly zero"
        }
    }

    public var expected: String? {
        switch self {
        case .unknownMetric(_, let nearest): nearest.map { "perhaps '\($0)'" }
        case .setting(_, _, let expected): expected
        case .noLayer(_, let captured): "one of \(captured.map { String($0) }.joined(separator: ", "))"
        case .missingTensor(_, let captured): "key and value; it has \(captured.joined(separator: ", "))"
        case .controlFailed: "exactly 0"
        default: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownMetric: "'kvatlas list metrics' prints them"
        case .missingTensor: "capture again with --tensors query,key,value"
        case .missingQueries(_, let others):
            "capture again with --tensors query,key,value, or choose among \(others.joined(separator: ", "))"
        case .emptyCapture: "capture a text of at least one token"
        case .controlFailed: "this is a fault of KVAtlas or of the machine; please report it with the manifest"
        case .nothingLost(_, _, let isAllWindow):
            isAllWindow
                ? "use a longer text or a smaller window"
                : "the capture holds only constants, or the scheme was not applied; leave it out or look at the capture"
        default: nil
        }
    }
}
