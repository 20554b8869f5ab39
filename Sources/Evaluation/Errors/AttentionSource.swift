import Capture
import Inference

/// Where keys, values and queries come from: a capture file, or a test's arrays.
package protocol AttentionSource {
    var layers: [Int] { get }
    /// Query heads.
    var heads: Int { get }
    var kvHeads: Int { get }
    var headDim: Int { get }
    /// RoPE turns channel i with i + headDim/2 by position·base^(−2i/headDim).
    var ropeBase: Double { get }
    /// What each layer sees and how it turns; `nil` for full attention, turned by `ropeBase`.
    var attention: AttentionLayout? { get }
    /// SHA-256 of the model's weights; empty if there is none.
    var weightsSHA256: String { get }
    /// SHA-256 of the texts.
    var textSHA256s: [String] { get }
    var tensors: Set<CapturedTensor> { get }
    /// Token ranges of the prompts, each of which attends to itself only.
    var sequences: [Range<Int>] { get }
    /// float16 bits `[token, head, channel]`.
    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16]
}

extension AttentionSource {
    package var ropeBase: Double { 10000 }
    package var attention: AttentionLayout? { nil }
    package var weightsSHA256: String { "" }
    package var textSHA256s: [String] { [] }

    /// How scores are scaled and capped, and the tokens that a query sees in a layer.
    func reach(layer: Int) -> QueryBlock.Reach {
        guard let attention, attention.layers.indices.contains(layer) else { return QueryBlock.Reach() }
        return QueryBlock.Reach(
            scale: attention.scale,
            window: attention.layers[layer].window,
            softcap: attention.softcap
        )
    }

    /// How a layer turns its queries and keys.
    func rotation(layer: Int) -> RotaryEmbedding {
        guard let attention, attention.layers.indices.contains(layer) else { return RotaryEmbedding(base: ropeBase) }
        return attention.rotation(layer: layer)
    }
}

extension CaptureFile {
    /// What to say where attention is computed from a capture that does not know how its layers attend.
    var warningOfUnknownAttention: String? {
        guard metadata.attention == nil else { return nil }
        return "attention: the capture does not say whether layers see a window only, nor how scores are scaled and "
            + "capped; every layer is taken to see all tokens, with scores divided by √\(metadata.headDim). Where the "
            + "model does otherwise (Mistral, Gemma), import it anew with --attention-window, --attention-scale and "
            + "--logit-softcap; --attention-window 0 confirms it"
    }
}

/// A capture file as a source of attention.
struct CaptureFileSource: AttentionSource {
    let capture: CaptureFile

    var layers: [Int] { capture.layersPresent }
    var heads: Int { capture.metadata.heads }
    var kvHeads: Int { capture.metadata.kvHeads }
    var headDim: Int { capture.metadata.headDim }
    var ropeBase: Double { capture.metadata.ropeBase }
    var attention: AttentionLayout? { capture.metadata.attention }
    var weightsSHA256: String { capture.metadata.weightsSHA256 }
    var textSHA256s: [String] { capture.metadata.textSHA256s }
    var tensors: Set<CapturedTensor> { Set(capture.tensorsPresent) }
    var sequences: [Range<Int>] { capture.sequences.map { $0.start..<$0.start + $0.length } }

    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16] {
        try capture.readHalf(tensor, layer: layer, tokens: tokens)
    }
}
