import Capture
import Inference
import Statistics
import TensorCore

/// One tensor of one layer of a capture, read slab by slab.
struct StatisticsStudyTensor: Sendable {
    let capture: CaptureFile
    let layer: Int
    let tensor: CapturedTensor
    let slabTokens: Int

    init(_ capture: CaptureFile, layer: Int, tensor: CapturedTensor, slabBytes: Int) {
        self.capture = capture
        self.layer = layer
        self.tensor = tensor
        let tokenBytes = max(1, capture.headCount(tensor) * capture.metadata.headDim * 2)
        // Whole chunks of the file, where they are powers of two: a chunk is decoded anew for each read.
        let tokens = max(1, slabBytes / tokenBytes)
        slabTokens = tokens < 512 ? tokens : tokens / 512 * 512
    }

    var heads: Int { capture.headCount(tensor) }
    var headDim: Int { capture.metadata.headDim }
    var slabCount: Int { (capture.tokenCount + slabTokens - 1) / slabTokens }

    /// The tokens of a slab.
    func tokens(ofSlab index: Int) -> Range<Int> {
        index * slabTokens..<min(capture.tokenCount, (index + 1) * slabTokens)
    }

    /// Reads a slab and adds it to `accumulator`, without rounding what is stored.
    func read(slab index: Int, into accumulator: inout TensorAccumulator) throws {
        let tokens = tokens(ofSlab: index)
        if capture.elementType == .float32 {
            let elements = try capture.readFloat(tensor, layer: layer, tokens: tokens)
            elements.withUnsafeBufferPointer { accumulator.append(float: $0) }
        } else {
            let elements = try capture.readHalf(tensor, layer: layer, tokens: tokens)
            elements.withUnsafeBufferPointer { accumulator.append(half: $0) }
        }
    }

    /// The rows of the token's table for a slab, when the whole tensor is known.
    func tokenRows(slab index: Int, context: TensorContext) throws -> [[Table.Value]] {
        let tokens = tokens(ofSlab: index)
        let distributions = TokenDistributions(heads: heads, headDim: headDim)
        func row(token: Int, head: Int, distribution: Distribution) -> [Table.Value] {
            StatisticsTable.tokenRow(
                distribution,
                context: context,
                layer: layer,
                tensor: tensor.rawValue,
                head: head,
                token: tokens.lowerBound + token
            )
        }
        if capture.elementType == .float32 {
            let elements = try capture.readFloat(tensor, layer: layer, tokens: tokens)
            return elements.withUnsafeBufferPointer { distributions.map(float: $0, row) }
        }
        let elements = try capture.readHalf(tensor, layer: layer, tokens: tokens)
        return elements.withUnsafeBufferPointer { distributions.map(half: $0, row) }
    }
}

/// The tensors of a capture that a study was asked for, layer by layer.
///
/// - Throws: `CaptureError`: `layerAbsent`, `tensorAbsent` for what was asked for by name and is not there.
func chosenTensors(
    of capture: CaptureFile,
    layers: [Int]?,
    tensors: [CapturedTensor]?
) throws -> [(layer: Int, tensor: CapturedTensor)] {
    let chosen = (layers.map { Set($0).sorted() } ?? capture.layersPresent).flatMap { layer in
        capture.tensors(inLayer: layer).filter { tensors?.contains($0) != false }.map { (layer, $0) }
    }
    // Reading no tokens has no other effect than to check that the tensor is there.
    for layer in layers ?? [] {
        guard let any = capture.tensorsPresent.first else { break }
        _ = try capture.readHalf(capture.tensors(inLayer: layer).first ?? any, layer: layer, tokens: 0..<0)
    }
    for tensor in tensors ?? [] where !chosen.contains(where: { $0.1 == tensor }) {
        guard let layer = layers?.first ?? capture.layersPresent.first else { break }
        _ = try capture.readHalf(tensor, layer: layer, tokens: 0..<0)
    }
    return chosen
}
