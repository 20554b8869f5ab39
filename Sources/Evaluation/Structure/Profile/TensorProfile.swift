import Capture
import Inference
import Kernels
import Statistics

/// Everything the structure study learns of one tensor in its first pass.
struct TensorProfile {
    let layer: Int
    let tensor: CapturedTensor
    let heads: Int
    let headDim: Int
    private var elements: TensorAccumulator?
    private var rotated: TensorAccumulator?
    private(set) var coordinates: NormalizedCoordinates?
    private(set) var rotatedCoordinates: NormalizedCoordinates?
    private(set) var parts: PartMaxima?
    private(set) var locality: [TokenLocality] = []
    /// [head][channel · channel], Σ x xᵀ over the finite vectors.
    private(set) var grams: [[Double]] = []
    private(set) var codes: CodeCounts?
    private(set) var tiles: [HeadTiles] = []
    /// Elements that are NaN or infinite.
    private(set) var nonfiniteCount = 0
    private var scratch: [Float] = []
    private var sequence: Int?

    init(_ pieces: TensorPieces, settings: StructureStudySettings) {
        (layer, tensor, heads, headDim) = (pieces.layer, pieces.tensor, pieces.heads, pieces.headDim)
        let wanted = Set(settings.analyses)
        let width = heads * headDim
        if !wanted.isDisjoint(with: [.outliers, .rotation, .quantiles]) {
            elements = TensorAccumulator(heads: heads, headDim: headDim)
        }
        if wanted.contains(.outliers) {
            parts = PartMaxima(pieces.capture.sequences, width: width, blocks: settings.blocks)
        }
        if wanted.contains(.rotation) {
            coordinates = NormalizedCoordinates()
            if Self.canRotate(headDim) {
                rotated = TensorAccumulator(heads: heads, headDim: headDim)
                rotatedCoordinates = NormalizedCoordinates()
            }
        }
        if wanted.contains(.locality) {
            locality = [TokenLocality](repeating: TokenLocality(channels: headDim), count: heads)
        }
        if wanted.contains(.spectrum) {
            grams = Array(repeating: [Double](repeating: 0, count: headDim * headDim), count: heads)
        }
        // Queries are never stored: their codes and tiles say nothing.
        if wanted.contains(.entropy), tensor != .query { codes = CodeCounts(width: width) }
        if wanted.contains(.tiles), tensor != .query { tiles = [HeadTiles](repeating: HeadTiles(), count: heads) }
    }

    /// Whether a Hadamard matrix of this size is at hand.
    static func canRotate(_ headDim: Int) -> Bool { headDim > 0 && headDim & (headDim - 1) == 0 }

    /// Bytes that a profile takes, about, so that callers can bound how many there are at a time.
    static func byteCount(_ pieces: TensorPieces) -> Int {
        let width = pieces.heads * pieces.headDim
        let counters = 2 * width * TensorAccumulator.bytesPerChannel
        let rest = width * pieces.headDim * 8 + width * 20 * 8 + 2 << 20
        return counters + rest + pieces.slabSize * (2 + 3 * 4)
    }

    mutating func add(_ piece: TensorPiece) {
        let values = UnsafeBufferPointer(start: piece.values, count: piece.tokens * piece.width)
        if !VectorMath.isFinite(piece.values, count: values.count) {
            nonfiniteCount += values.count { !$0.isFinite }
        }
        elements?.append(float: values)
        parts?.add(piece)
        coordinates?.add(piece.values, count: piece.tokens * heads, length: headDim)
        if rotated != nil { addRotated(values, vectors: piece.tokens * heads) }
        codes?.add(piece)
        if sequence != piece.sequence {
            for head in locality.indices { locality[head].beginSequence() }
            sequence = piece.sequence
        }
        for head in locality.indices {
            for token in 0..<piece.tokens { locality[head].add(piece.vector(token: token, head: head)) }
        }
        for head in grams.indices {
            let (rows, count) = piece.finiteRows(head: head)
            for (place, value) in LinearAlgebra.transposedProduct(rows, rows, rows: count).enumerated() {
                grams[head][place] += value
            }
        }
        for head in tiles.indices { tiles[head].add(piece, head: head) }
    }

    private mutating func addRotated(_ values: UnsafeBufferPointer<Float>, vectors: Int) {
        // Taken out, so that it is changed in place.
        var elements = scratch
        scratch = []
        elements.removeAll(keepingCapacity: true)
        elements.append(contentsOf: values)
        elements.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Hadamard.transform(base, rows: vectors, length: headDim)
        }
        elements.withUnsafeBufferPointer { buffer in
            rotated?.append(float: buffer)
            if let base = buffer.baseAddress {
                rotatedCoordinates?.add(base, count: vectors, length: headDim)
            }
        }
        scratch = elements
    }

    /// The distribution of the elements; `nil` if no analysis needs it. Ends the profile's counting.
    mutating func finishElements() -> TensorSummary? {
        defer { elements = nil }
        return elements?.finish()
    }

    /// The same of the rotated elements.
    mutating func finishRotated() -> TensorSummary? {
        defer { rotated = nil }
        return rotated?.finish()
    }
}
