import Capture
import Inference
import Statistics
import Synchronization
import TensorCore

/// One tensor of one layer of a capture, walked part by part.
struct StatisticsStudyTensor: Sendable {
    private let scan: CaptureScan
    private let slabBytes: Int
    private let sample: TokenSample
    /// The parts of its tokens that threads share out; cut by size and never by the number of threads.
    let parts: [Range<Int>]

    /// Tokens of one part: some blocks, so that parts are seldom merged.
    private static let partTokens = 4 * TensorAccumulator.blockTokens

    init(_ capture: CaptureFile, layer: Int, tensor: CapturedTensor, slabBytes: Int) throws {
        scan = try capture.scan(tensor, layer: layer)
        self.slabBytes = slabBytes
        sample = TokenSample(tokens: capture.tokenCount)
        let count = capture.tokenCount
        // Of a capture without tokens one part without tokens, so that its tensors have their rows.
        parts = stride(from: 0, to: max(1, count), by: Self.partTokens).map { $0..<min(count, $0 + Self.partTokens) }
    }

    var layer: Int { scan.layer }
    var tensor: CapturedTensor { scan.tensor }
    var heads: Int { scan.capture.headCount(tensor) }
    var headDim: Int { scan.capture.metadata.headDim }

    /// Memory that its counters and sampled rows take.
    var bytes: Int { scan.width * (TensorAccumulator.bytesPerChannel + 2 * sample.count) }

    /// The statistics of some tokens, without rounding what is stored.
    func accumulate(_ tokens: Range<Int>) throws -> TensorAccumulator {
        var accumulator = TensorAccumulator(
            heads: heads,
            headDim: headDim,
            firstToken: tokens.lowerBound,
            expectedTokens: tokens.count,
            sample: sample
        )
        try scan.forEachRun(of: tokens, slabBytes: slabBytes) { elements, _ in
            switch elements {
            case .half(let elements): accumulator.append(half: elements)
            case .float(let elements): accumulator.append(float: elements)
            }
        }
        return accumulator
    }

    /// The rows of the token's table for some tokens, run by run, when the whole tensor is known.
    func forEachTokenRows(
        of tokens: Range<Int>,
        context: TensorContext,
        _ body: ([[Table.Value]]) throws -> Void
    ) throws {
        let distributions = TokenDistributions(heads: heads, headDim: headDim)
        try scan.forEachRun(of: tokens, slabBytes: slabBytes) { elements, tokens in
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
            switch elements {
            case .half(let elements): try body(distributions.map(half: elements, row))
            case .float(let elements): try body(distributions.map(float: elements, row))
            }
        }
    }
}

/// What the threads have found of one tensor so far.
final class StatisticsStudyProgress: Sendable {
    private let found: Mutex<TensorAccumulator?>
    private let heads: Int
    private let headDim: Int

    init(_ tensor: StatisticsStudyTensor) {
        heads = tensor.heads
        headDim = tensor.headDim
        found = Mutex(nil)
    }

    /// Adds a part; in any order.
    func merge(_ part: TensorAccumulator) {
        found.withLock { found in
            guard var whole = found.take() else { return found = part }
            whole.merge(part)
            found = whole
        }
    }

    func finish() -> TensorSummary {
        found.withLock { found in
            (found.take() ?? TensorAccumulator(heads: heads, headDim: headDim)).finish()
        }
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
