import TensorCore

/// A JSON file beside a model's weights that cannot be used.
public struct ConfigurationFileError: ActionableError, Equatable {
    public enum Reason: Sendable, Equatable {
        case invalidJSON(String)
        case tooLarge(byteCount: Int, limit: Int)
    }

    public let path: String
    /// Where in the file, if the problem has a place.
    public let byteOffset: Int?
    public let reason: Reason

    init(_ path: String, at byteOffset: Int?, _ reason: Reason) {
        self.path = path
        self.byteOffset = byteOffset
        self.reason = reason
    }

    public var location: String? { byteOffset.map { "\(path), byte \($0)" } ?? path }

    public var problem: String {
        switch reason {
        case .invalidJSON(let problem): "the JSON cannot be read: \(problem)"
        case .tooLarge(let byteCount, _): "the file has \(byteCount) bytes"
        }
    }

    public var expected: String? {
        switch reason {
        case .invalidJSON: "an object in strict JSON"
        case .tooLarge(_, let limit): "at most \(limit)"
        }
    }

    public var remedy: String? { "the file is damaged or of another kind: download it again" }
}
