import Capture
import Inference

/// The tool's own version, written into everything it makes.
public enum ToolVersion {
    public static let current = "0.1.0"
}

/// What a capture says of its making, beside what the model itself knows.
public struct CaptureProvenance: Sendable {
    /// Arguments as typed, the program first.
    public let command: [String]
    public let weightsSHA256: String
    /// For captions; the model's own name unless told.
    public let modelName: String?

    public init(command: [String], weightsSHA256: String, modelName: String? = nil) {
        self.command = command
        self.weightsSHA256 = weightsSHA256
        self.modelName = modelName
    }

    func metadata(of model: LanguageModel, texts: [TextFile]) -> CaptureMetadata {
        let configuration = model.configuration
        return CaptureMetadata(
            name: modelName ?? configuration.name,
            architecture: configuration.architecture,
            layers: configuration.layers,
            heads: configuration.heads,
            kvHeads: configuration.kvHeads,
            headDim: configuration.headDim,
            ropeBase: configuration.ropeBase,
            ropeLayout: configuration.ropeLayout.rawValue,
            vocabulary: configuration.vocabularySize,
            weightsSHA256: weightsSHA256,
            weightType: model.weightTypeSummary,
            command: Self.text(of: command),
            toolVersion: ToolVersion.current,
            textSHA256s: texts.map(\.sha256)
        )
    }

    /// Arguments as one line that a shell would read back.
    public static func text(of command: [String]) -> String { command.map(quoted).joined(separator: " ") }

    /// As a shell would need it.
    private static func quoted(_ word: String) -> String {
        let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=,:+@%".contains($0) }
        return plain && !word.isEmpty ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
