import Capture
import Evaluation
import Foundation
import Inference
import Kernels
import TensorCore

/// A capture whose elements a test sets: Gaussian ones, changed by a closure.
struct PlantedCapture {
    var layers = 2
    var heads = 4
    var kvHeads = 2
    var headDim = 16
    var sequenceLengths = [150, 40]
    var tensors: Set<CapturedTensor> = Set(CapturedTensor.allCases)
    var elementType = ElementType.float16
    /// Tokens that a query of each layer sees; `nil` for a model without windows.
    var windows: [Int?]?
    /// The element of a token of the capture, from a Gaussian one.
    var element: (_ tensor: CapturedTensor, _ layer: Int, _ token: Int, _ head: Int, _ channel: Int, Float) -> Float =
        { $5 }

    var tokenCount: Int { sequenceLengths.reduce(0, +) }

    func headCount(_ tensor: CapturedTensor) -> Int { tensor == .query ? heads : kvHeads }

    /// `[token, head, channel]`, as the capture gives them back.
    func values(_ tensor: CapturedTensor, layer: Int) -> [Float] {
        let count = headCount(tensor)
        let kind = CapturedTensor.allCases.firstIndex(of: tensor) ?? 0
        var generator = SeededGenerator(seed: UInt64(layer * 10 + kind + 1))
        let all = (0..<tokenCount * count * headDim).map { index in
            let (vector, channel) = index.quotientAndRemainder(dividingBy: headDim)
            return element(
                tensor,
                layer,
                vector / count,
                vector % count,
                channel,
                Float(generator.nextGaussian())
            )
        }
        return elementType == .float32 ? all : HalfConversion.toFloat(HalfConversion.toHalf(all))
    }

    /// Finite head vectors of one head, in float64.
    func rows(_ tensor: CapturedTensor, layer: Int, head: Int, tokens: Range<Int>? = nil) -> [[Double]] {
        let values = values(tensor, layer: layer), count = headCount(tensor)
        return (tokens ?? 0..<tokenCount).map { token in
            let first = (token * count + head) * headDim
            return values[first..<first + headDim].map { Double($0) }
        }
    }

    func write(to path: String) throws -> CaptureFile {
        let synthetic = SyntheticCapture(
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            sequenceLengths: sequenceLengths
        )
        var metadata = synthetic.metadata
        if let windows {
            metadata.attention = AttentionLayout(
                scale: 1 / Float(headDim).squareRoot(),
                rotations: [RotaryEmbedding(base: metadata.ropeBase)],
                layers: windows.map { AttentionReach(window: $0, rotation: 0) }
            )
        }
        let recorder = try CaptureRecorder(
            path: path,
            metadata: metadata,
            tensors: tensors,
            layers: Array(0..<layers),
            elementType: elementType,
            overwrite: false
        )
        var start = 0
        for (index, length) in sequenceLengths.enumerated() {
            try recorder.beginSequence(
                name: "text-\(index)",
                tokens: (0..<length).map { Int32($0) },
                tokenTexts: (0..<length).map { "<\($0)>" }
            )
            for layer in 0..<layers {
                for tensor in CapturedTensor.allCases where tensors.contains(tensor) {
                    let width = headCount(tensor) * headDim
                    let values = Array(values(tensor, layer: layer)[start * width..<(start + length) * width])
                    try values.withUnsafeBufferPointer {
                        guard let base = $0.baseAddress else { return }
                        try recorder.record(
                            tensor,
                            layer: layer,
                            firstToken: 0,
                            tokens: length,
                            heads: headCount(tensor),
                            headDim: headDim,
                            values: base
                        )
                    }
                }
            }
            start += length
        }
        try recorder.finish()
        return try CaptureFile(path: path)
    }
}

extension StructureStudyResult {
    /// The table of a name; a test that asks for one that is absent fails at its rows.
    func table(_ name: String) -> Table { tables.first { $0.name == name } ?? StructureTables.empty(name) }

    func rows(_ name: String, layer: Int? = nil, tensor: String? = nil, head: Int? = nil) -> [Table.RowView] {
        table(name).rowViews.filter { row in
            (layer == nil || row.integer("layer") == layer) && (tensor == nil || row.string("tensor") == tensor)
                && (head == nil || row.integer("head") == head)
        }
    }
}
