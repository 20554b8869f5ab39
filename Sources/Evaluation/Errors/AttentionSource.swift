import Capture
import Inference

/// Where keys, values and queries come from: a capture file, or a test's arrays.
package protocol AttentionSource {
    var layers: [Int] { get }
    /// Query heads.
    var heads: Int { get }
    var kvHeads: Int { get }
    var headDim: Int { get }
    var tensors: Set<CapturedTensor> { get }
    /// Token ranges of the prompts, each of which attends to itself only.
    var sequences: [Range<Int>] { get }
    /// float16 bits `[token, head, channel]`.
    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16]
}

/// A capture file as a source of attention.
struct CaptureFileSource: AttentionSource {
    let capture: CaptureFile

    var layers: [Int] { capture.layersPresent }
    var heads: Int { capture.metadata.heads }
    var kvHeads: Int { capture.metadata.kvHeads }
    var headDim: Int { capture.metadata.headDim }
    var tensors: Set<CapturedTensor> { Set(capture.tensorsPresent) }
    var sequences: [Range<Int>] { capture.sequences.map { $0.start..<$0.start + $0.length } }

    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16] {
        try capture.readHalf(tensor, layer: layer, tokens: tokens)
    }
}
