import Inference
import Statistics

/// How a layer's tensor follows from the same tensor of the layer before.
///
/// A row is all heads of a token. The first half of each sequence is learnt from, the second tried; rows with NaN or
/// infinity in either layer are left out.
struct LayerPair {
    let pieces: TensorPieces
    let previous: TensorPieces
    private(set) var prediction: LinearPrediction
    private var squares = 0.0
    private var deltaSquares = 0.0

    init(_ pieces: TensorPieces, after layer: Int) {
        self.pieces = pieces
        previous = TensorPieces(pieces.capture, layer: layer, tensor: pieces.tensor, like: pieces)
        let width = pieces.heads * pieces.headDim
        prediction = LinearPrediction(inputs: width, outputs: width)
    }

    /// Bytes that the sums of a pair take, about.
    static func byteCount(_ pieces: TensorPieces) -> Int {
        let width = pieces.heads * pieces.headDim + 1
        return 6 * width * width * 8 + pieces.slabSize * 30
    }

    mutating func add(slab: Int) throws {
        var before: [[Float]] = []
        try previous.read(slab: slab) {
            before.append(Array(UnsafeBufferPointer(start: $0.values, count: $0.tokens * $0.width)))
        }
        var place = 0
        try pieces.read(slab: slab) { piece in
            add(piece, before: before[place])
            place += 1
        }
    }

    private mutating func add(_ piece: TensorPiece, before: [Float]) {
        let width = piece.width
        let half = max(0, min(piece.tokens, piece.sequenceLength / 2 - piece.position))
        for (tokens, isLearnt) in [(0..<half, true), (half..<piece.tokens, false)] where !tokens.isEmpty {
            var (x, y): ([Double], [Double]) = ([], [])
            var rows = 0
            for token in tokens {
                let old = before[token * width..<(token + 1) * width].map { Double($0) }
                let new = (0..<width).map { Double(piece.values[token * width + $0]) }
                var (square, delta) = (0.0, 0.0)
                for channel in 0..<width {
                    square += new[channel] * new[channel]
                    delta += (new[channel] - old[channel]) * (new[channel] - old[channel])
                }
                guard square.isFinite, delta.isFinite else { continue }
                squares += square
                deltaSquares += delta
                x += old
                y += new
                rows += 1
            }
            if isLearnt {
                prediction.learn(x, y, rows: rows)
            } else {
                prediction.tryOut(x, y, rows: rows)
            }
        }
    }

    /// ‖X_l − X_{l−1}‖_F / ‖X_l‖_F; `nil` for a layer of zeros, or without finite rows.
    var relativeDelta: Double? { squares > 0 ? (deltaSquares / squares).squareRoot() : nil }
}
