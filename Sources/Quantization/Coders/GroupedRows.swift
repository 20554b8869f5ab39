/// A block as rows along the reduced dimension, in groups that share their metadata.
///
/// Per token a row is one token's channels in one head; per channel it is one channel's tokens in one head.
struct GroupedRows {
    let shape: BlockShape
    let sharing: ScaleSharing
    let groupSize: GroupSize

    var rowCount: Int { shape.heads * (sharing == .perToken ? shape.tokens : shape.channels) }
    var rowLength: Int { sharing == .perToken ? shape.channels : shape.tokens }
    /// Elements of the longest group.
    var length: Int { groupSize.resolved(dimension: rowLength) }
    var groupsPerRow: Int { (rowLength + length - 1) / length }
    var groupCount: Int { rowCount * groupsPerRow }

    /// The elements of each group in order, for all groups.
    func forEachGroup(_ body: (Int, Range<Int>) throws -> Void) rethrows {
        for row in 0..<rowCount {
            for group in 0..<groupsPerRow {
                let first = row * rowLength + group * length
                try body(row * groupsPerRow + group, first..<min(first + length, (row + 1) * rowLength))
            }
        }
    }

    /// The elements row after row.
    func rows(_ x: FloatBlock) -> [Float] { sharing == .perToken ? x.elements : x.transposed().elements }

    func block(_ rows: [Float]) -> FloatBlock {
        guard sharing == .perChannel else {
            return FloatBlock(heads: shape.heads, tokens: shape.tokens, channels: shape.channels, elements: rows)
        }
        return FloatBlock(heads: shape.heads, tokens: shape.channels, channels: shape.tokens, elements: rows)
            .transposed()
    }
}
