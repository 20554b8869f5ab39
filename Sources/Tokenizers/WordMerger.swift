/// Merges the bytes of one word into tokens; the buffers are reused from word to word.
///
/// The pair of lowest rank is merged first, the leftmost of equals. Pairs wait
/// in a heap and symbols in a linked list, so that a word of n bytes costs
/// O(n log n), however long it is.
struct WordMerger {
    private let merges: MergeTable
    /// Symbol of each byte.
    private let byteSymbols: [Int32]
    /// Symbols from here on are steps between merges that are no tokens.
    private let vocabularySize: Int32
    private let byteTokens: [Int32]

    // One entry a byte of the word; only entries that begin a symbol are in the list.
    private var symbols: [Int32] = []
    private var next: [Int] = []
    private var previous: [Int] = []
    /// Rank of the pair that begins here; tells which heap entries still hold.
    private var ranks: [UInt32] = []
    private var heap: [UInt64] = []

    /// - Parameter byteTokens: the token of each byte, or -1 if the vocabulary has none.
    init(merges: MergeTable, byteSymbols: [Int32], byteTokens: [Int32], vocabularySize: Int32) {
        self.merges = merges
        self.byteSymbols = byteSymbols
        self.byteTokens = byteTokens
        self.vocabularySize = vocabularySize
    }

    /// Appends the word's tokens; bytes for which the vocabulary has no token are left out, as llama.cpp does.
    mutating func encode(_ word: UnsafeBufferPointer<UInt8>, into output: inout [Int32]) {
        start(word)
        while let entry = popHeap() {
            let position = Int(entry & Self.positionMask)
            let rank = UInt32(truncatingIfNeeded: entry >> Self.positionBits)
            if ranks[position] == rank { merge(at: position, rank: rank, count: word.count) }
        }
        var position = 0
        while position < word.count {
            let symbol = symbols[position]
            if symbol < vocabularySize {
                output.append(symbol)
            } else {
                for byte in word[position..<next[position]] where byteTokens[Int(byte)] >= 0 {
                    output.append(byteTokens[Int(byte)])
                }
            }
            position = next[position]
        }
    }

    private mutating func start(_ word: UnsafeBufferPointer<UInt8>) {
        symbols.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        for (position, byte) in word.enumerated() {
            symbols.append(byteSymbols[Int(byte)])
            next.append(position + 1)
            previous.append(position - 1)
            ranks.append(MergeTable.noRank)
        }
        for position in 0..<max(0, word.count - 1) { consider(position, count: word.count) }
    }

    private mutating func merge(at position: Int, rank: UInt32, count: Int) {
        let right = next[position]
        symbols[position] = merges.results[Int(rank)]
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
    /// Ranks must fit what the position leaves of 64 bits.
    static let rankLimit = 1 << 24

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
