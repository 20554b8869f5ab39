import Inference
import Kernels
import TensorCore

/// A capture of seeded random numbers of any length, written as it is generated, for measurements of speed and memory.
///
/// It says so in its attributes: the model's name is `generated`, and no model has seen it. Elements are drawn from
/// 65,536 normal numbers; each channel has a scale and a mean of its own, and every 61st channel of the keys is an
/// outlier: twenty times as large, with a mean far from 0. What a token holds depends on the seed, the layer, the
/// tensor and the token alone.
public struct GeneratedCapture: Sendable {
    public var layers: Int
    public var heads: Int
    public var kvHeads: Int
    public var headDim: Int
    public var tokens: Int
    public var tensors: Set<CapturedTensor>
    public var seed: UInt64

    /// Tokens that are generated at a time, and of one sequence.
    private static let blockTokens = 512
    private static let sequenceTokens = 1 << 16

    public init(
        layers: Int,
        heads: Int,
        kvHeads: Int,
        headDim: Int,
        tokens: Int,
        tensors: Set<CapturedTensor> = [.key, .value],
        seed: UInt64 = 1
    ) {
        self.layers = layers
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.tokens = tokens
        self.tensors = tensors
        self.seed = seed
    }

    /// Bytes of one token's elements in all layers.
    public var bytesPerToken: Int {
        layers * headDim * 2 * tensors.reduce(0) { $0 + $1.heads(in: metadata) }
    }

    private var metadata: CaptureMetadata {
        .ofRandomNumbers(
            "generated",
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            weightType: "none: seeded random numbers, seed \(seed)",
            command: "GeneratedCapture(seed: \(seed), tokens: \(tokens))",
            sequences: (tokens + Self.sequenceTokens - 1) / Self.sequenceTokens
        )
    }

    /// Writes the capture; memory is that of one block of tokens and of what waits to be written.
    ///
    /// - Parameter progress: called with the share that is done, from 0 to 1.
    /// - Throws: `CaptureError`; what `progress` throws. No file has the final name then.
    @discardableResult
    public func write(
        to path: String,
        overwrite: Bool = false,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> CaptureResult {
        let recorder = try CaptureRecorder(
            path: path,
            metadata: metadata,
            tensors: tensors,
            layers: Array(0..<layers),
            overwrite: overwrite
        )
        for first in stride(from: 0, to: tokens, by: Self.sequenceTokens) {
            let sequence = first..<min(tokens, first + Self.sequenceTokens)
            try recorder.beginSequence(
                name: "generated-\(first / Self.sequenceTokens)",
                tokens: sequence.map { Int32($0 % 256) },
                tokenBytes: [[UInt8]](repeating: [0x2E], count: sequence.count)
            )
            for start in stride(from: sequence.lowerBound, to: sequence.upperBound, by: Self.blockTokens) {
                let block = start..<min(sequence.upperBound, start + Self.blockTokens)
                try record(block, from: sequence.lowerBound, into: recorder)
                try progress(Double(block.upperBound) / Double(tokens))
            }
        }
        return try recorder.finish()
    }

    private func record(_ block: Range<Int>, from sequenceStart: Int, into recorder: CaptureRecorder) throws {
        let chosen = CapturedTensor.allCases.filter { tensors.contains($0) }
        for layer in 0..<layers {
            var values = [[Float]](repeating: [], count: chosen.count)
            values.withUnsafeMutableBufferPointer { values in
                // Each index writes its own tensor only.
                nonisolated(unsafe) let values = values
                Parallel.forEach(chosen.count) { values[$0] = self.values(chosen[$0], layer: layer, tokens: block) }
            }
            for (tensor, values) in zip(chosen, values) {
                try values.withUnsafeBufferPointer {
                    guard let base = $0.baseAddress else { return }
                    try recorder.record(
                        tensor,
                        layer: layer,
                        firstToken: block.lowerBound - sequenceStart,
                        tokens: block.count,
                        heads: tensor.heads(in: metadata),
                        headDim: headDim,
                        values: base
                    )
                }
            }
        }
    }

    /// The elements of some tokens, `[token, head, channel]`, before they are rounded to float16.
    ///
    /// - Precondition: the first token is a multiple of 512, and there are no more.
    func values(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) -> [Float] {
        precondition(tokens.lowerBound % Self.blockTokens == 0 && tokens.count <= Self.blockTokens, "\(tokens)")
        let width = tensor.heads(in: metadata) * headDim
        let kind = CapturedTensor.allCases.firstIndex(of: tensor) ?? 0
        let place = UInt64(layer * 16 + kind)
        var channels = SeededGenerator(seed: seed &* 1_000_003 &+ place)
        var (scales, means) = ([Float](), [Float]())
        for channel in 0..<width {
            let isOutlier = tensor != .value && channel % 61 == 7
            let scale = Float(0.25 + 0.5 * channels.nextUniform()) * (isOutlier ? 20 : 1)
            scales.append(scale)
            means.append(Float(channels.nextGaussian()) * scale * (isOutlier ? 1.5 : 0.2))
        }
        let block = UInt64(tokens.lowerBound / Self.blockTokens)
        var generator = SeededGenerator(seed: (seed &* 1_000_003 &+ place) &* 0x9E37_79B9_7F4A_7C15 &+ block)
        return Self.pool.withUnsafeBufferPointer { pool in
            [Float](unsafeUninitializedCapacity: tokens.count * width) { values, count in
                count = tokens.count * width
                var bits: UInt64 = 0
                for index in 0..<count {
                    // Sixteen bits name a number of the pool, so that one draw serves four elements.
                    bits = index % 4 == 0 ? generator.next() : bits >> 16
                    let channel = index % width
                    values[index] = pool[Int(bits & 0xFFFF)] * scales[channel] + means[channel]
                }
            }
        }
    }

    private static let pool: [Float] = {
        var generator = SeededGenerator(seed: 65_536)
        return (0..<1 << 16).map { _ in Float(generator.nextGaussian()) }
    }()
}
