import TensorCore

/// A model whose files are sound but do not say, or hold, what is asked of them.
public struct MetadataError: ActionableError, Equatable {
    public enum Reason: Sendable, Equatable {
        case missingKey(String, nearest: String?)
        case wrongKind(key: String, found: String, wanted: String)
        case missingTensor(String, nearest: String?)
        case unsupportedType(tensor: String, type: String)
    }

    /// Path of the model.
    public let path: String
    public let reason: Reason

    init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    public var location: String? { path }

    public var problem: String {
        switch reason {
        case .missingKey(let key, let nearest):
            "no metadata key '\(key)'" + (nearest.map { "; nearest is '\($0)'" } ?? "")
        case .wrongKind(let key, let found, _): "metadata key '\(key)' holds \(found)"
        case .missingTensor(let name, let nearest):
            "no tensor '\(name)'" + (nearest.map { "; nearest is '\($0)'" } ?? "")
        case .unsupportedType(let tensor, let type): "tensor '\(tensor)' has the type \(type), which is not supported"
        }
    }

    public var expected: String? {
        switch reason {
        case .wrongKind(_, _, let wanted): wanted
        case .missingKey, .missingTensor: nil
        case .unsupportedType: "F32, F16, BF16 or a block type of GGUF"
        }
    }

    public var remedy: String? {
        switch reason {
        case .missingKey, .missingTensor, .wrongKind:
            "the model is of another kind, or its converter left this out: convert it again with a current converter"
        case .unsupportedType: "take the model in another type, for example float16"
        }
    }
}
