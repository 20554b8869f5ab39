import Statistics
import TensorCore

/// What the structure study learns of one tensor in its second pass: what must know the first one's maxima and means.
struct SecondPass {
    private(set) var outliers: OutlierCounts?
    /// [head], from the first pass; empty if not asked for.
    private let locality: [TokenLocality]
    private var likeness: [NeighbourCosine]
    private var sequence: Int?

    static func isNeeded(_ settings: StructureStudySettings) -> Bool {
        settings.analyses.contains(.outliers) || settings.analyses.contains(.locality)
    }

    /// Bytes that a pass takes, about.
    static func byteCount(_ pieces: TensorPieces) -> Int { pieces.slabSize * 6 + 8 << 10 }

    init(outliers: OutlierCounts?, locality: [TokenLocality], headDim: Int) {
        self.outliers = outliers
        self.locality = locality
        likeness = locality.map { head in
            // Without a finite vector there is no mean, and nothing to compare.
            let means = head.means
            return NeighbourCosine(centre: means.isEmpty ? [Double](repeating: 0, count: headDim) : means)
        }
    }

    mutating func add(_ piece: TensorPiece) {
        outliers?.add(piece.values, tokens: piece.tokens)
        if sequence != piece.sequence {
            for head in likeness.indices { likeness[head].beginSequence() }
            sequence = piece.sequence
        }
        for head in likeness.indices {
            for token in 0..<piece.tokens { likeness[head].add(piece.vector(token: token, head: head)) }
        }
    }

    /// Rows of `locality`.
    func localityRows(layer: Int, tensor: String) -> [[Table.Value]] {
        locality.indices.map { head in
            [
                .integer(layer), .string(tensor), .integer(head), Table.Value(likeness[head].mean),
                Table.Value(locality[head].neighbourCosine), Table.Value(locality[head].deltaVarianceRatio),
            ]
        }
    }
}
