import Statistics

/// Mean imbalance of the tiles of one head: 128 tokens by 128 channels, smaller where there are fewer.
///
/// What is left at the end of a sequence of more than 128 tokens is no tile; a sequence of fewer is one.
struct HeadTiles {
    static let size = 128

    /// Sums over the tiles of one size.
    struct Sum {
        var tiles = 0
        var rows = 0.0
        var columns = 0.0
    }

    /// By tokens and channels of a tile.
    private(set) var sums: [[Int]: Sum] = [:]

    mutating func add(_ piece: TensorPiece, head: Int) {
        let height = min(Self.size, piece.sequenceLength)
        for token in stride(from: 0, through: piece.tokens - height, by: height) {
            for channel in stride(from: 0, to: piece.headDim, by: Self.size) {
                let width = min(Self.size, piece.headDim - channel)
                let first = piece.vector(token: token, head: head) + channel
                guard let tile = TileImbalance(first, rows: height, columns: width, stride: piece.width) else {
                    continue
                }
                sums[[height, width], default: Sum()].tiles += 1
                sums[[height, width], default: Sum()].rows += tile.rows
                sums[[height, width], default: Sum()].columns += tile.columns
            }
        }
    }
}
