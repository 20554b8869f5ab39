import Kernels
import TensorCore

/// The orthonormal Walsh–Hadamard transform along the channels, whole or in blocks: spreads an outlier channel over all.
///
/// Queries are transformed alike, so that scores stay; here keys and values are transformed back when read.
/// Sources: Ashkboos et al., QuaRot, NeurIPS 2024; block-diagonal: Saw-INT4 (schemes.md §1.14).
struct HadamardStage: TransformStage {
    static let name = "hadamard"
    static let grammar = "hadamard[-N]"
    static let summary = "Hadamard rotation of the channels"
    /// Channels that are mixed; all if `nil`.
    private let block: Int?

    init(_ term: inout StageTerm) throws {
        block = term.integer()
        if let block, block < 2 || block & (block - 1) != 0 {
            throw SchemeError.parameter(name: "hadamard", value: "\(block)", expected: "a power of two from 2 on")
        }
    }

    var term: String { block.map { "\(Self.name)-\($0)" } ?? Self.name }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws {
        let length = block ?? x.channels
        guard length > 0, length & (length - 1) == 0, x.channels.isMultiple(of: length) else {
            let greatest = x.channels == 0 ? 1 : x.channels & -x.channels
            throw SchemeError.shape(
                scheme: term,
                problem: "\(x.channels) channels cannot be transformed in blocks of \(length)",
                expected: greatest > 1
                    ? "a power of two that divides the channels: 'hadamard-\(greatest)'" : "an even number of channels"
            )
        }
        let rows = x.elements.count / length
        x.elements.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Hadamard.transform(base, rows: rows, length: length)
        }
    }

    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try apply(&x, metadata) }
}

/// Signs of the channels by a fixed seed; with a Hadamard transform after it, a random rotation.
struct SignStage: TransformStage {
    static let name = "signs"
    static let grammar = "signs[-SEED]"
    static let summary = "random signs of the channels"
    private let seed: Int

    init(_ term: inout StageTerm) throws { seed = term.integer() ?? 0 }

    var term: String { seed == 0 ? Self.name : "\(Self.name)-\(seed)" }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) {
        var random = SeededGenerator(seed: UInt64(seed))
        let signs = (0..<x.channels).map { _ in random.next() & 1 == 0 ? Float(1) : -1 }
        x.forEachVector { _, vector in for i in vector.indices { vector[i] *= signs[i] } }
    }

    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) { apply(&x, metadata) }
}

/// All key/value heads side by side as one: what shares a scale per token is then the layer's whole vector.
struct JoinHeadsStage: PipelineStage {
    static let name = "joined"
    static let grammar = "joined"
    static let summary = "all heads of a token as one vector"

    init(_ term: inout StageTerm) throws {}

    var term: String { Self.name }

    func passedOn(_ x: FloatBlock) -> FloatBlock { x.joined() }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        try rest.encode(x.joined())
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        try rest.decode(&reader, shape.joined).separated(into: shape)
    }
}
