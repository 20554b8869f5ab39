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
    private var elements: ChannelVariances
    private var differences: ChannelVariances

    init(_ pieces: TensorPieces, after layer: Int) {
        self.pieces = pieces
        previous = TensorPieces(pieces.capture, layer: layer, tensor: pieces.tensor, like: pieces)
        let width = pieces.heads * pieces.headDim
        prediction = LinearPrediction(inputs: width, outputs: width)
        elements = ChannelVariances(channels: width)
        differences = elements
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
                let delta = zip(new, old).map { $0 - $1 }
                guard delta.allSatisfy({ $0.isFinite }) else { continue }
                elements.add(new)
                differences.add(delta)
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

    /// Σ over channels of the variance of X_l − X_{l−1}, over the same of X_l; `nil` where no channel varies.
    var deltaVarianceRatio: Double? {
        let whole = elements.total
        return whole > 0 ? differences.total / whole : nil
    }
}
