/// The words that one call has met already, by their place in its input and output.
///
/// Lives for one call, so that tokenizers share no mutable state and the same
/// input costs the same.
struct WordCache {
    private struct Entry {
        let hash: UInt64
        let word: Range<Int>
        let output: Range<Int>
    }

    /// Longer words are rarely met again.
    private static let longestWord = 48
    private static let entryLimit = 1 << 20

    private let text: UnsafeBufferPointer<UInt8>
    private var entries: [Entry] = []
    /// Entry + 1, or 0 for a free slot; a power of two, at most half full.
    private var slots = [UInt32](repeating: 0, count: 1 << 10)

    init(text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    /// Where the output has the tokens of an equal word, else the hash with which to `insert` it.
    func find(_ word: Range<Int>) -> (output: Range<Int>?, hash: UInt64) {
        guard word.count <= Self.longestWord else { return (nil, 0) }
        let bytes = UnsafeBufferPointer(rebasing: text[word])
        let hash = hashBytes(bytes)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let entry = entries[Int(slots[slot]) - 1]
            if entry.hash == hash, UnsafeBufferPointer(rebasing: text[entry.word]).elementsEqual(bytes) {
                return (entry.output, hash)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return (nil, hash)
    }

    mutating func insert(_ word: Range<Int>, hash: UInt64, output: Range<Int>) {
        guard word.count <= Self.longestWord, entries.count < Self.entryLimit else { return }
        entries.append(Entry(hash: hash, word: word, output: output))
        if entries.count * 2 > slots.count {
            slots = [UInt32](repeating: 0, count: slots.count * 4)
            for index in entries.indices { place(index) }
        } else {
            place(entries.count - 1)
        }
    }

    private mutating func place(_ index: Int) {
        var slot = Int(truncatingIfNeeded: entries[index].hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(index + 1)
    }
}
