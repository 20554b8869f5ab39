import Capture
import Inference

/// Announces 3840 tokens and records 512 of them in two layers, 512 more in layer 0 and these queries in layer 1.
///
/// As a prefill that is killed: it goes block by block, and within a block layer by layer.
func stopInLayer1(_ recorder: CaptureRecorder, of synthetic: SyntheticCapture) throws {
    let ids = [Int32](repeating: 1, count: 3840)
    try recorder.beginSequence(name: "long", tokens: ids, tokenTexts: ids.map { _ in "t" })
    for (first, layer) in [(0, 0), (0, 1), (512, 0), (512, 1)] {
        for tensor in CapturedTensor.allCases where tensor == .query || (first, layer) != (512, 1) {
            let heads = tensor == .query ? synthetic.heads : synthetic.kvHeads
            try recorder.record(
                tensor,
                layer: layer,
                firstToken: first,
                tokens: 512,
                heads: heads,
                headDim: synthetic.headDim,
                values: [Float](repeating: 1, count: 512 * heads * synthetic.headDim)
            )
        }
    }
}
