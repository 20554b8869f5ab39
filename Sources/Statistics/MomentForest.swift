/// The moments of all channels over the blocks of tokens seen so far, merged in one order however they arrive.
///
/// Blocks are the leaves of a binary tree over the token axis. Two neighbours that make up a node are merged, the
/// earlier first, as soon as both are there; at the end the nodes that are left are merged from first to last. So
/// the same blocks give the same bits whichever thread brings them in whatever order. Memory: a node for each
/// level of the tree and for each gap.
struct MomentForest: Sendable {
    /// The moments of one node: of 2^level blocks from index · 2^level on.
    private struct Node: Sendable {
        var level: Int
        var index: Int
        var moments: [CentralMoments]

        var firstBlock: Int { index << level }
    }

    private var nodes: [Node] = []

    /// Adds a block's moments, one for each channel. A block that comes in parts is merged like any two neighbours.
    mutating func insert(block index: Int, _ moments: [CentralMoments]) {
        insert(Node(level: 0, index: index, moments: moments))
    }

    /// Adds the blocks of another.
    mutating func merge(_ other: MomentForest) { other.nodes.forEach { insert($0) } }

    private mutating func insert(_ node: Node) {
        var node = node
        while let place = nodes.firstIndex(where: { $0.level == node.level && $0.index == node.index ^ 1 }) {
            let sibling = nodes.remove(at: place)
            let (left, right) = node.index < sibling.index ? (node, sibling) : (sibling, node)
            node = Node(level: left.level + 1, index: left.index / 2, moments: merged(left.moments, right.moments))
        }
        nodes.append(node)
    }

    /// All blocks together.
    func total(channels: Int) -> [CentralMoments] {
        let ordered = nodes.sorted { ($0.firstBlock, $0.level) < ($1.firstBlock, $1.level) }
        guard let first = ordered.first else { return [CentralMoments](repeating: CentralMoments(), count: channels) }
        return ordered.dropFirst().reduce(first.moments) { merged($0, $1.moments) }
    }

    private func merged(_ left: [CentralMoments], _ right: [CentralMoments]) -> [CentralMoments] {
        var sum = left
        for channel in sum.indices { sum[channel].merge(right[channel]) }
        return sum
    }
}
