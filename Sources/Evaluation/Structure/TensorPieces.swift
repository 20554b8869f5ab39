import Capture
import Inference
import Kernels

/// Some neighbouring tokens of one sequence, of one tensor of one layer.
struct TensorPiece {
    /// [token, head, channel]
    let values: UnsafePointer<Float>
    /// The same as float16 bits.
    let halves: UnsafePointer<UInt16>
    let heads: Int
    let headDim: Int
    let tokens: Int
    /// Index of the sequence in the capture.
    let sequence: Int
    /// Place of the first token within its sequence; a multiple of `TensorPieces.alignment`.
    let position: Int
    /// Tokens of the sequence.
    let sequenceLength: Int

    var width: Int { heads * headDim }

    func vector(token: Int, head: Int) -> UnsafePointer<Float> { values + (token * heads + head) * headDim }

    func isFinite(token: Int, head: Int) -> Bool {
        VectorMath.isFinite(vector(token: token, head: head), count: headDim)
    }

    /// The head's vectors that are finite, in float64 `[rows, channel]`.
    func finiteRows(head: Int) -> (elements: [Double], rows: Int) {
        var elements: [Double] = []
        elements.reserveCapacity(tokens * headDim)
        for token in 0..<tokens where isFinite(token: token, head: head) {
            let vector = vector(token: token, head: head)
            for channel in 0..<headDim { elements.append(Double(vector[channel])) }
        }
        return (elements, elements.count / max(1, headDim))
    }
}

/// One tensor of one layer of a capture, read slab by slab and handed out in pieces that end where sequences do.
///
/// A piece begins at a multiple of `alignment` tokens of its sequence, so that groups and tiles of up to so many tokens
/// lie within one piece. Slabs are of fixed size: what is added up piece by piece is the same on every machine.
struct TensorPieces: Sendable {
    static let alignment = 128
    private static let slabElements = 1 << 18

    let capture: CaptureFile
    let layer: Int
    let tensor: CapturedTensor
    private let slabs: [[Part]]

    private struct Part: Sendable {
        let sequence: Int
        let tokens: Range<Int>
    }

    init(_ capture: CaptureFile, layer: Int, tensor: CapturedTensor) {
        self.capture = capture
        self.layer = layer
        self.tensor = tensor
        let width = max(1, capture.headCount(tensor) * capture.metadata.headDim)
        slabs = Self.slabs(capture, tokens: max(1, Self.slabElements / width / Self.alignment) * Self.alignment)
    }

    /// Slabs of the same tokens as another tensor's.
    init(_ capture: CaptureFile, layer: Int, tensor: CapturedTensor, like other: TensorPieces) {
        self.capture = capture
        self.layer = layer
        self.tensor = tensor
        slabs = other.slabs
    }

    var heads: Int { capture.headCount(tensor) }
    var headDim: Int { capture.metadata.headDim }
    var slabCount: Int { slabs.count }

    /// Elements of the largest slab.
    var slabSize: Int { (slabs.map { Self.range($0).count }.max() ?? 0) * heads * headDim }

    /// Reads a slab and hands out its pieces in order.
    func read(slab index: Int, _ body: (TensorPiece) throws -> Void) throws {
        let range = Self.range(slabs[index])
        var values: [Float]
        var halves: [UInt16]
        if capture.elementType == .float32 {
            values = try capture.readFloat(tensor, layer: layer, tokens: range)
            halves = HalfConversion.toHalf(values)
        } else {
            halves = try capture.readHalf(tensor, layer: layer, tokens: range)
            values = HalfConversion.toFloat(halves)
        }
        let width = heads * headDim
        try values.withUnsafeBufferPointer { values in
            try halves.withUnsafeBufferPointer { halves in
                guard let firstValue = values.baseAddress, let firstHalf = halves.baseAddress else { return }
                for part in slabs[index] {
                    let sequence = capture.sequences[part.sequence]
                    let offset = (part.tokens.lowerBound - range.lowerBound) * width
                    let piece = TensorPiece(
                        values: firstValue + offset,
                        halves: firstHalf + offset,
                        heads: heads,
                        headDim: headDim,
                        tokens: part.tokens.count,
                        sequence: part.sequence,
                        position: part.tokens.lowerBound - sequence.start,
                        sequenceLength: sequence.length
                    )
                    try body(piece)
                }
            }
        }
    }

    private static func range(_ parts: [Part]) -> Range<Int> {
        (parts.first?.tokens.lowerBound ?? 0)..<(parts.last?.tokens.upperBound ?? 0)
    }

    /// Sequences cut into parts of at most `tokens`, and neighbouring parts packed into slabs of at most as many.
    private static func slabs(_ capture: CaptureFile, tokens: Int) -> [[Part]] {
        var slabs: [[Part]] = []
        var room = 0
        for (index, sequence) in capture.sequences.enumerated() where sequence.length > 0 {
            let end = sequence.start + sequence.length
            for first in stride(from: sequence.start, to: end, by: tokens) {
                let part = Part(sequence: index, tokens: first..<min(end, first + tokens))
                if slabs.isEmpty || part.tokens.count > room {
                    slabs.append([])
                    room = tokens
                }
                slabs[slabs.count - 1].append(part)
                room -= part.tokens.count
            }
        }
        return slabs
    }
}

/// Walks some tensors side by side, a slab of each at a time, each into its own state.
///
/// - Parameter step: called after each round of slabs with how many there were.
func walk<State>(
    _ tensors: [TensorPieces],
    into states: inout [State],
    step: (Int) throws -> Void,
    _ body: (inout State, TensorPiece) throws -> Void
) throws {
    for slab in 0..<(tensors.map { $0.slabCount }.max() ?? 0) {
        let active = tensors.indices.filter { slab < tensors[$0].slabCount }
        try states.withUnsafeMutableBufferPointer { states in
            // Each index touches its own state only.
            nonisolated(unsafe) let states = states
            try Parallel.forEach(active.count) { place in
                let index = active[place]
                try tensors[index].read(slab: slab) { try body(&states[index], $0) }
            }
        }
        try step(active.count)
    }
}
