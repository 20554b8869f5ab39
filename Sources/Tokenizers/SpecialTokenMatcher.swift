/// Finds the texts of special tokens in a text.
///
/// A longer token goes before a shorter one wherever the two overlap, even if
/// the shorter begins further left, and of one token the leftmost occurrence
/// goes first: the order in which llama.cpp splits.
struct SpecialTokenMatcher: Sendable {
    private struct Special {
        let id: Int32
        let bytes: [UInt8]
    }

    /// Longest first, then by id.
    private let specials: [Special]
    /// Indices into `specials` by first byte.
    private let byFirstByte: [[Int]]

    init(_ tokens: [(id: Int32, bytes: [UInt8])]) {
        specials = tokens.filter { !$0.bytes.isEmpty }
            .sorted { ($1.bytes.count, $0.id) < ($0.bytes.count, $1.id) }
            .map { Special(id: $0.id, bytes: $0.bytes) }
        var byFirstByte = [[Int]](repeating: [], count: 256)
        for (index, special) in specials.enumerated() { byFirstByte[Int(special.bytes[0])].append(index) }
        self.byFirstByte = byFirstByte
    }

    /// Places of special tokens, from left to right, without overlap.
    ///
    /// - Complexity: O(bytes), plus the tokens that begin with a byte at each place of that byte.
    func matches(in text: UnsafeBufferPointer<UInt8>) -> [(range: Range<Int>, id: Int32)] {
        guard !specials.isEmpty else { return [] }
        var candidates: [(index: Int, start: Int)] = []
        for start in text.indices {
            for index in byFirstByte[Int(text[start])] {
                let bytes = specials[index].bytes
                guard bytes.count <= text.count - start else { continue }
                if UnsafeBufferPointer(rebasing: text[start..<start + bytes.count]).elementsEqual(bytes) {
                    candidates.append((index, start))
                }
            }
        }
        guard candidates.count > 0 else { return [] }
        candidates.sort { ($0.index, $0.start) < ($1.index, $1.start) }
        var isTaken = [Bool](repeating: false, count: text.count)
        var result: [(range: Range<Int>, id: Int32)] = []
        for candidate in candidates {
            let special = specials[candidate.index]
            let range = candidate.start..<candidate.start + special.bytes.count
            // Those accepted so far are not shorter, so an overlap shows at one of the two ends.
            if isTaken[range.lowerBound] || isTaken[range.upperBound - 1] { continue }
            for place in range { isTaken[place] = true }
            result.append((range, special.id))
        }
        return result.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }
}
