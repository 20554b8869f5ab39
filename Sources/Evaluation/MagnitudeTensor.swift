import Inference

/// A tensor whose magnitudes can be tabulated: as captured, or after a Hadamard rotation of each head vector.
public enum MagnitudeTensor: String, Sendable, CaseIterable, Codable {
    case query, key
    case keyPreRope = "key_pre_rope"
    case value
    /// Keys after RoPE, each head vector times the orthonormal Hadamard matrix.
    case keyRotated = "key_rotated"
    case valueRotated = "value_rotated"

    public init(_ captured: CapturedTensor) {
        switch captured {
        case .query: self = .query
        case .key: self = .key
        case .keyPreRope: self = .keyPreRope
        case .value: self = .value
        }
    }

    /// What must be in the capture.
    public var source: CapturedTensor {
        switch self {
        case .query: .query
        case .key, .keyRotated: .key
        case .keyPreRope: .keyPreRope
        case .value, .valueRotated: .value
        }
    }

    public var isRotated: Bool { self == .keyRotated || self == .valueRotated }
}
