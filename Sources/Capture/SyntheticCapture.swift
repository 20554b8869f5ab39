import Inference
import TensorCore

/// Makes captures of random numbers, for tests and demonstrations: no model has seen them.
///
/// Elements are independent standard normal; chosen channels are scaled. Each
/// tensor of each layer has its own seed, so that what one holds does not
/// depend on which others are captured.
public struct SyntheticCapture: Sendable {
    /// A channel whose elements are multiplied by a factor.
    public struct OutlierChannel: Sendable {
        public let tensor: CapturedTensor
        public let head: Int
        public let channel: Int
        public let factor: Float
        /// Layers it is in; `nil` for all.
        public let layers: Set<Int>?

        public init(_ tensor: CapturedTensor, head: Int, channel: Int, factor: Float, layers: Set<Int>? = nil) {
            self.tensor = tensor
            self.head = head
            self.channel = channel
            self.factor = factor
            self.layers = layers
        }
    }

    public var layers: Int
    public var heads: Int
    public var kvHeads: Int
    public var headDim: Int
    /// Tokens of each sequence.
    public var sequenceLengths: [Int]
    public var tensors: Set<CapturedTensor>
    public var elementType: ElementType
    public var outliers: [OutlierChannel]
    public var seed: UInt64
    /// What the model claims of its layers' attention; full attention, if nothing else is said.
    public var attention: AttentionLayout?

    public init(
        layers: Int = 2,
        heads: Int = 4,
        kvHeads: Int = 2,
        headDim: Int = 32,
        sequenceLengths: [Int] = [64],
        tensors: Set<CapturedTensor> = [.query, .key, .value],
        elementType: ElementType = .float16,
        outliers: [OutlierChannel] = [],
        seed: UInt64 = 1
    ) {
        self.layers = layers
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.sequenceLengths = sequenceLengths
        self.tensors = tensors
        self.elementType = elementType
        self.outliers = outliers
        self.seed = seed
    }

    /// Tokens of all sequences.
    public var tokenCount: Int { sequenceLengths.reduce(0, +) }

    /// The model that the capture claims.
    public var metadata: CaptureMetadata {
        var metadata = CaptureMetadata.ofRandomNumbers(
            "synthetic",
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            weightType: "f32",
            command: "SyntheticCapture(seed: \(seed))",
            sequences: sequenceLengths.count
        )
        metadata.attention = attention ?? metadata.attention
        return metadata
    }

    /// All elements of a tensor, `[token, head, channel]`, before they are rounded to the element type.
    public func values(_ tensor: CapturedTensor, layer: Int) -> [Float] {
        let tensorHeads = tensor.heads(in: metadata)
        let kind = CapturedTensor.allCases.firstIndex(of: tensor) ?? 0
        var generator = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(layer * 16 + kind))
        var values = (0..<tokenCount * tensorHeads * headDim).map { _ in Float(generator.nextGaussian()) }
        for outlier in outliers where outlier.tensor == tensor && outlier.layers?.contains(layer) != false {
            precondition(
                outlier.head >= 0 && outlier.head < tensorHeads && outlier.channel >= 0 && outlier.channel < headDim,
                "outlier channel \(outlier.channel) of head \(outlier.head) is outside \(tensorHeads) × \(headDim)"
            )
            for token in 0..<tokenCount {
                values[(token * tensorHeads + outlier.head) * headDim + outlier.channel] *= outlier.factor
            }
        }
        return values
    }

    /// Writes the capture through `CaptureRecorder`, 512 tokens at a time as in a prefill.
    ///
    /// - Throws: `CaptureError`.
    @discardableResult
    public func write(to path: String, overwrite: Bool = false) throws -> CaptureResult {
        let recorder = try makeRecorder(path: path, overwrite: overwrite)
        for index in sequenceLengths.indices { try record(sequence: index, into: recorder) }
        return try recorder.finish()
    }

    /// A recorder for this capture, so that a test can stop in the middle.
    public func makeRecorder(path: String, overwrite: Bool = false) throws -> CaptureRecorder {
        try CaptureRecorder(
            path: path,
            metadata: metadata,
            tensors: tensors,
            layers: Array(0..<layers),
            elementType: elementType,
            overwrite: overwrite
        )
    }

    /// Records one sequence, layer by layer within each block of 512 tokens.
    public func record(sequence index: Int, into recorder: CaptureRecorder) throws {
        let start = sequenceLengths[..<index].reduce(0, +)
        let length = sequenceLengths[index]
        let ids = (0..<length).map { Int32(($0 + start) % 256) }
        try recorder.beginSequence(
            name: "synthetic-\(index)",
            tokens: ids,
            tokenTexts: ids.map { String(UnicodeScalar(UInt8($0))) }
        )
        var all: [TensorKey: [Float]] = [:]
        for layer in 0..<layers {
            for tensor in tensors { all[TensorKey(layer: layer, tensor: tensor)] = values(tensor, layer: layer) }
        }
        for first in stride(from: 0, to: length, by: 512) {
            let count = min(512, length - first)
            for layer in 0..<layers {
                for tensor in CapturedTensor.allCases {
                    guard let values = all[TensorKey(layer: layer, tensor: tensor)] else { continue }
                    let tensorHeads = tensor.heads(in: metadata)
                    try values.withUnsafeBufferPointer {
                        guard let base = $0.baseAddress else { return }
                        try recorder.record(
                            tensor,
                            layer: layer,
                            firstToken: first,
                            tokens: count,
                            heads: tensorHeads,
                            headDim: headDim,
                            values: base + (start + first) * tensorHeads * headDim
                        )
                    }
                }
            }
        }
    }
}
