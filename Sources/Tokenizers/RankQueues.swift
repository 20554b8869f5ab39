/// The pairs of a long word that wait to be merged: those of the lowest rank first, the leftmost of equals.
///
/// One queue a rank. Positions come to it mostly from left to right, since a word is scanned and merged so; those that
/// do not wait in a heap of the queue's own. So a run of one character, whose pairs are all alike, costs time linear in
/// its length, where one heap of all pairs would be as deep as the run is long and miss the processor's caches.
struct RankQueues: Sendable {
    private struct Queue: Sendable {
        let rank: UInt32
        /// Ascending from `first` on.
        var inOrder: [Int] = []
        var first = 0
        var others = SmallestFirst<Int>()

        var smallest: Int? {
            guard first < inOrder.count else { return others.smallest }
            return others.smallest.map { min($0, inOrder[first]) } ?? inOrder[first]
        }

        @inline(__always)
        mutating func push(_ position: Int) {
            if inOrder.last.map({ $0 <= position }) ?? true { inOrder.append(position) } else { others.push(position) }
        }

        mutating func pop() -> Int? {
            guard first < inOrder.count else { return others.pop() }
            if let other = others.smallest, other < inOrder[first] { return others.pop() }
            first += 1
            return inOrder[first - 1]
        }
    }

    private var queues: [Queue] = []
    private var indices: [UInt32: Int] = [:]
    /// The queue of the latest pair.
    private var latest = -1
    /// Ranks whose queues are not empty, each once.
    private var ranks = SmallestFirst<UInt32>()

    mutating func removeAll() { self = RankQueues() }

    @inline(__always)
    mutating func push(rank: UInt32, position: Int) {
        if latest < 0 || queues[latest].rank != rank { latest = index(of: rank) }
        if queues[latest].smallest == nil { ranks.push(rank) }
        queues[latest].push(position)
    }

    private mutating func index(of rank: UInt32) -> Int {
        if let index = indices[rank] { return index }
        queues.append(Queue(rank: rank))
        indices[rank] = queues.count - 1
        return queues.count - 1
    }

    mutating func pop() -> (rank: UInt32, position: Int)? {
        guard let rank = ranks.smallest, let index = indices[rank], let position = queues[index].pop() else {
            return nil
        }
        if queues[index].smallest == nil { _ = ranks.pop() }
        return (rank, position)
    }
}

/// A binary heap, smallest first.
struct SmallestFirst<Element: Comparable & Sendable>: Sendable {
    private var heap: [Element] = []

    var smallest: Element? { heap.first }

    mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

    mutating func push(_ element: Element) {
        var index = heap.count
        heap.append(element)
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[parent] > element else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = element
    }

    mutating func pop() -> Element? {
        guard let smallest = heap.first, let element = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return smallest }
        var index = 0
        while 2 * index + 1 < heap.count {
            var child = 2 * index + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < element else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = element
        return smallest
    }
}
