/// Merges the symbols of one word pair by pair; the buffers are reused from word to word.
///
/// The pair of lowest rank is merged first, the leftmost of equals. Pairs wait
/// in a heap, those of long words in ``RankQueues``, and symbols in a linked list,
/// so that a word of n symbols costs O(n log n), however long it is.
struct PairMerger {
    private let merges: MergeTable
    // One entry a symbol at the beginning; only entries that begin a symbol are in the list.
    private(set) var symbols: [Int32] = []
    /// The entry behind; `symbols.count` at the end.
    private(set) var next: [Int] = []
    private var previous: [Int] = []
    /// Rank of the pair that begins here; tells which heap entries still hold.
    private var ranks: [UInt32] = []
    /// Rank in the upper bits, position in the lower.
    private var heap = SmallestFirst<UInt64>()
    private var queues = RankQueues()
    private var isLong = false
    /// A heap of more pairs begins to leave the first-level cache.
    private static let longWord = 2048

    init(merges: MergeTable) {
        self.merges = merges
    }

    /// Begins a word.
    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        heap.removeAll()
        if isLong { queues.removeAll() }
    }

    /// Adds a symbol to the word; -1 stands for one that never merges.
    @inline(__always)
    mutating func append(_ symbol: Int32) {
        let position = symbols.count
        symbols.append(symbol)
        next.append(position + 1)
        previous.append(position - 1)
        ranks.append(MergeTable.noRank)
    }

    /// Merges until no pair is left that can; afterwards the word is the list from entry 0 on.
    mutating func merge() {
        let count = symbols.count
        isLong = count > Self.longWord
        for position in 0..<max(0, count - 1) { consider(position, count: count) }
        while let (rank, position) = pop() {
            if ranks[position] == rank { merge(at: position, count: count) }
        }
    }

    private mutating func merge(at position: Int, count: Int) {
        let right = next[position]
        symbols[position] = merges.result(symbols[position], symbols[right])
        ranks[right] = MergeTable.noRank
        next[position] = next[right]
        if next[right] < count { previous[next[right]] = position }
        consider(position, count: count)
        if previous[position] >= 0 { consider(previous[position], count: count) }
    }

    /// Notes the pair that begins at `position`, and queues it if it can merge.
    @inline(__always)
    private mutating func consider(_ position: Int, count: Int) {
        let right = next[position]
        let rank = right < count ? merges.rank(symbols[position], symbols[right]) : MergeTable.noRank
        ranks[position] = rank
        if rank != MergeTable.noRank { push(rank: rank, position: position) }
    }

    // MARK: - Pairs that wait

    private static let positionBits: UInt64 = 40
    private static let positionMask: UInt64 = 1 << 40 - 1

    @inline(__always)
    private mutating func push(rank: UInt32, position: Int) {
        if isLong {
            queues.push(rank: rank, position: position)
        } else {
            heap.push(UInt64(rank) << Self.positionBits | UInt64(position))
        }
    }

    @inline(__always)
    private mutating func pop() -> (rank: UInt32, position: Int)? {
        guard !isLong else { return queues.pop() }
        return heap.pop().map {
            (UInt32(truncatingIfNeeded: $0 >> Self.positionBits), Int($0 & Self.positionMask))
        }
    }
}
