import Capture
import Inference

/// What a capture of this model says of it.
func metadata(of model: LanguageModel, command: String) -> CaptureMetadata {
    let configuration = model.configuration
    return CaptureMetadata(
        name: configuration.name,
        architecture: configuration.architecture,
        layers: configuration.layers,
        heads: configuration.heads,
        kvHeads: configuration.kvHeads,
        headDim: configuration.headDim,
        ropeBase: configuration.ropeBase,
        ropeLayout: configuration.ropeLayout.rawValue,
        attention: configuration.attention,
        vocabulary: configuration.vocabularySize,
        weightsSHA256: "",
        weightType: model.weightTypeSummary,
        command: command,
        toolVersion: command,
        textSHA256s: []
    )
}
