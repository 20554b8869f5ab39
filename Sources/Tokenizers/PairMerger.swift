/// Merges the symbols of one word pair by pair; the buffers are reused from word to word.
///
/// The pair of lowest rank is merged first, the leftmost of equals. Pairs wait
/// in a heap and symbols in a linked list, so that a word of n symbols costs
/// O(n log n), however long it is.
struct PairMerger {
    private let merges: MergeTable
    // One entry a symbol at the beginning; only entries that begin a symbol are in the list.
    private(set) var symbols: [Int32] = []
    /// The entry behind; `symbols.count` at the end.
    private(set) var next: [Int] = []
    private var previous: [Int] = []
    /// Rank of the pair that begins here; tells which heap entries still hold.
    private var ranks: [UInt32] = []
    private var heap: [UInt64] = []

    init(merges: MergeTable) {
        self.merges = merges
    }

    /// Begins a word.
    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
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
        for position in 0..<max(0, count - 1) { consider(position, count: count) }
        while let entry = popHeap() {
            let position = Int(entry & Self.positionMask)
            let rank = UInt32(truncatingIfNeeded: entry >> Self.positionBits)
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
        if rank != MergeTable.noRank { pushHeap(UInt64(rank) << Self.positionBits | UInt64(position)) }
    }

    // MARK: - Binary heap, smallest first

    private static let positionBits: UInt64 = 40
    private static let positionMask: UInt64 = 1 << 40 - 1

    private mutating func pushHeap(_ entry: UInt64) {
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[parent] > entry else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    private mutating func popHeap() -> UInt64? {
        guard let smallest = heap.first, let entry = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return smallest }
        var index = 0
        while 2 * index + 1 < heap.count {
            var child = 2 * index + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < entry else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = entry
        return smallest
    }
}
