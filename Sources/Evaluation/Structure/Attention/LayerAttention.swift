import Capture
import Inference
import Kernels
import Statistics
import TensorCore

/// Where the sampled queries of one sequence of one layer look, and the norms of the tokens they look at.
///
/// Exact causal attention in float32, as the error study computes it: `softmax(q · Kᵀ / √D)` over the keys up to the
/// query's own position; tokens that the layer's window hides are none of them. Rows with NaN or infinity are left out and
/// counted.
struct LayerAttention {
    /// Tokens at the start of a sequence whose share `firstShare` is: as many as sink windows commonly keep.
    static let firstTokens = 4
    static let recentTokens = 64
    static let heldShare = 0.9
    /// Mean share of attention above which a token is a sink.
    static let sinkShare = 0.1
    /// Later queries that must have seen a token for its share to be ranked; fewer where fewer are sampled.
    static let observers = 32
    private static let rowsPerBlock = 128

    /// Attention of one query head, summed over its sampled queries.
    struct Profile {
        var rows = 0
        var entropy = 0.0
        var sparsity = 0.0
        var firstShare = 0.0
        var recentShare = 0.0
        var tokenShare = 0.0

        mutating func add(_ row: AttentionRow) {
            rows += 1
            entropy += row.entropy
            sparsity += row.sparsity
            firstShare += row.firstShare
            recentShare += row.recentShare
            tokenShare += row.tokenShare
        }

        mutating func merge(_ other: Profile) {
            rows += other.rows
            entropy += other.entropy
            sparsity += other.sparsity
            firstShare += other.firstShare
            recentShare += other.recentShare
            tokenShare += other.tokenShare
        }
    }

    /// [query head]
    private(set) var profiles: [Profile]
    /// Mean attention received from later queries, over heads; `nil` for tokens that none of them saw.
    private(set) var shares: [Double?]
    /// Share of the query heads of which the token gets more than `sinkShare`.
    private(set) var headShares: [Double?]
    /// Whether enough queries saw the token for its share to be ranked.
    private(set) var isRanked: [Bool]
    private(set) var rowsLeftOut = 0

    /// What a block of queries gave.
    private struct Block {
        var profiles: [Profile]
        /// [head of the group][token]
        var received: [Double]
        /// [head of the group][query position]
        var isCounted: [Bool]
    }

    /// - Parameters:
    ///   - tokens: of the sequence, or its start.
    ///   - maximumQueries: positions sampled, evenly.
    init(_ capture: CaptureFile, layer: Int, tokens: Range<Int>, maximumQueries: Int) throws {
        let (heads, kvHeads) = (capture.metadata.heads, capture.metadata.kvHeads)
        let (headDim, count, group) = (capture.metadata.headDim, tokens.count, heads / max(1, kvHeads))
        let positions = QuerySample.positions(tokens: count, maximum: maximumQueries, stride: 1)
        let keys = try capture.readHalf(.key, layer: layer, tokens: tokens)
        let queries = try Self.queries(capture, layer: layer, at: positions.map { tokens.lowerBound + $0 })
        let reach = CaptureFileSource(capture: capture).reach(layer: layer)
        profiles = [Profile](repeating: Profile(), count: heads)
        var sums = [Double](repeating: 0, count: count)
        var crowded = [Int](repeating: 0, count: count)
        var observed = [Int](repeating: 0, count: count)
        let width = max(1, Self.rowsPerBlock / max(1, group))
        let blockCount = (positions.count + width - 1) / width
        for kvHead in 0..<kvHeads {
            let head = Self.head(kvHead, of: keys, heads: kvHeads, headDim: headDim)
            let blocks = parallelMap(blockCount) { item in
                // Late queries see most keys: they go first, so that no long item is left for the end.
                let first = (blockCount - 1 - item) * width
                let places = first..<min(first + width, positions.count)
                let block = QueryBlock(
                    gathered: queries,
                    places: places,
                    positions: Array(positions[places]),
                    heads: heads,
                    firstHead: kvHead * group,
                    group: group,
                    channels: headDim,
                    reach: reach
                )
                return Self.look(block, at: head)
            }.reversed()
            for own in 0..<group {
                var received = [Double](repeating: 0, count: count)
                // Later queries that see each token, as far as their rows count.
                var seen = [Int](repeating: 0, count: count + 1)
                for (place, block) in blocks.enumerated() {
                    profiles[kvHead * group + own].merge(block.profiles[own])
                    let blockPositions = positions[place * width..<min((place + 1) * width, positions.count)]
                    let length = block.received.count / group
                    for token in 0..<length { received[token] += block.received[own * length + token] }
                    for (index, position) in blockPositions.enumerated() {
                        if block.isCounted[own * blockPositions.count + index] {
                            seen[position] += 1
                        } else {
                            rowsLeftOut += 1
                        }
                    }
                }
                var later = 0
                for token in (0..<count).reversed() {
                    // Queries that the token has left the window of.
                    if let window = reach.window, token + window < count { later -= seen[token + window] }
                    if later > 0 {
                        let share = received[token] / Double(later)
                        sums[token] += share
                        observed[token] += 1
                        if share > Self.sinkShare { crowded[token] += 1 }
                    }
                    later += seen[token]
                }
            }
        }
        shares = (0..<count).map { observed[$0] > 0 ? sums[$0] / Double(observed[$0]) : nil }
        headShares = (0..<count).map { observed[$0] > 0 ? Double(crowded[$0]) / Double(observed[$0]) : nil }
        let needed = min(Self.observers, (positions.count + 1) / 2)
        let last = positions.count >= needed ? positions[positions.count - needed] : 0
        isRanked = (0..<count).map { observed[$0] > 0 && $0 < last }
    }

    /// `[place, head, channel]` of the queries at some tokens, ascending; read by slabs, of which each is decoded once.
    private static func queries(_ capture: CaptureFile, layer: Int, at tokens: [Int]) throws -> [UInt16] {
        let width = capture.metadata.heads * capture.metadata.headDim, slabTokens = 512
        var queries: [UInt16] = []
        queries.reserveCapacity(tokens.count * width)
        for (slab, wanted) in Dictionary(grouping: tokens, by: { $0 / slabTokens }).sorted(by: { $0.key < $1.key }) {
            let first = slab * slabTokens
            let range = first..<min(capture.tokenCount, first + slabTokens)
            let all = try capture.readHalf(.query, layer: layer, tokens: range)
            for token in wanted { queries += all[(token - first) * width..<(token - first + 1) * width] }
        }
        return queries
    }

    /// The exact weights of a block, row by row.
    private static func look(_ block: QueryBlock, at keys: Tensor) -> Block {
        let weights = Matrix(rows: block.rows, columns: block.keyCount)
        block.attend(to: HeadView(keys, head: 0), into: weights)
        var result = Block(
            profiles: [Profile](repeating: Profile(), count: block.group),
            received: [Double](repeating: 0, count: block.group * block.keyCount),
            isCounted: [Bool](repeating: false, count: block.rows)
        )
        for own in 0..<block.group {
            for place in block.positions.indices {
                let row = own * block.positions.count + place
                let visible = block.visibleKeys(row)
                let numbers = AttentionRow(
                    UnsafeBufferPointer(start: weights.row(row) + visible.lowerBound, count: visible.count),
                    negligible: AttentionSparsity.threshold,
                    first: max(0, firstTokens - visible.lowerBound),
                    recent: recentTokens,
                    holding: heldShare
                )
                guard let numbers else { continue }
                result.isCounted[row] = true
                result.profiles[own].add(numbers)
                let first = own * block.keyCount
                let seen = weights.row(row)
                for token in visible.dropLast() { result.received[first + token] += Double(seen[token]) }
            }
        }
        return result
    }

    /// `[1, token, channel]` of one head of keys `[token, kv_head, channel]`.
    private static func head(_ head: Int, of keys: [UInt16], heads: Int, headDim: Int) -> Tensor {
        let tokens = keys.count / max(1, heads * headDim)
        var elements = [Float](repeating: 0, count: tokens * headDim)
        keys.withUnsafeBufferPointer { source in
            elements.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else { return }
                for token in 0..<tokens {
                    HalfConversion.toFloat(
                        source + (token * heads + head) * headDim,
                        target + token * headDim,
                        count: headDim
                    )
                }
            }
        }
        return Tensor(layout: .block(heads: 1, tokens: tokens, channels: headDim), elements: elements)
    }
}
