/// Finds the texts of special tokens in a text.
///
/// From left to right, the longest of those that begin at a place: the order
/// of Hugging Face's tokenizers and of SentencePiece. Vocabularies may hold
/// thousands that begin alike (`<unused0>`…), so they are sorted, and each
/// byte of text narrows the range that is left by bisection.
struct SpecialTokenMatcher: Sendable {
    /// Longer texts are refused, so that no text costs more than this a byte.
    static let longestText = 512

    private struct Special {
        let id: Int32
        let bytes: [UInt8]
    }

    /// In order of their bytes.
    private let specials: [Special]
    /// Indices into `specials` by first byte.
    private let byFirstByte: [Range<Int>]
    /// Whether `▁` and a space are the same, as in SentencePiece's vocabularies.
    private let readsMarksAsSpaces: Bool

    init(_ tokens: [(id: Int32, bytes: [UInt8])], readsMarksAsSpaces: Bool = false) {
        self.readsMarksAsSpaces = readsMarksAsSpaces
        specials = tokens.map { Special(id: $0.id, bytes: readsMarksAsSpaces ? spacesForMarks($0.bytes) : $0.bytes) }
            .filter { !$0.bytes.isEmpty }
            .sorted { $0.bytes == $1.bytes ? $0.id < $1.id : $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var byFirstByte = [Range<Int>](repeating: 0..<0, count: 256)
        for (index, special) in specials.enumerated() {
            let first = Int(special.bytes[0])
            let start = byFirstByte[first].isEmpty ? index : byFirstByte[first].lowerBound
            byFirstByte[first] = start..<index + 1
        }
        self.byFirstByte = byFirstByte
    }

    /// Places of special tokens, from left to right, without overlap.
    ///
    /// - Complexity: O(bytes), at a place where one may begin times its length and the logarithm of their number.
    func matches(in text: UnsafeBufferPointer<UInt8>) -> [(range: Range<Int>, id: Int32)] {
        guard !specials.isEmpty else { return [] }
        var result: [(range: Range<Int>, id: Int32)] = []
        var start = 0
        while start < text.count {
            if let match = longest(in: text, at: start) {
                result.append((start..<match.end, match.id))
                start = match.end
            } else {
                start += 1
            }
        }
        return result
    }

    @inline(__always)
    private func longest(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> (end: Int, id: Int32)? {
        var (byte, end) = byte(of: text, at: start)
        var range = byFirstByte[Int(byte)]
        guard !range.isEmpty else { return nil }
        var found: (end: Int, id: Int32)?
        var depth = 1
        while true {
            let first = specials[range.lowerBound]
            if first.bytes.count == depth { found = (end, first.id) }
            guard end < text.count else { return found }
            (byte, end) = self.byte(of: text, at: end)
            range = narrow(range, depth: depth, to: byte)
            guard !range.isEmpty else { return found }
            depth += 1
        }
    }

    /// The byte at `position` and where the next one is; a mark counts as one space if asked to.
    @inline(__always)
    private func byte(of text: UnsafeBufferPointer<UInt8>, at position: Int) -> (UInt8, Int) {
        let byte = text[position]
        guard readsMarksAsSpaces, byte == 0xE2, position + 2 < text.count, text[position + 1] == 0x96,
            text[position + 2] == 0x81
        else { return (byte, position + 1) }
        return (UInt8(ascii: " "), position + 3)
    }

    /// Those of `range`, alike in the first `depth` bytes, that have `byte` next.
    private func narrow(_ range: Range<Int>, depth: Int, to byte: UInt8) -> Range<Int> {
        /// The first whose next byte is at least `wanted`; one that has none comes before all.
        func bound(_ wanted: Int, from lower: Int) -> Int {
            var (low, high) = (lower, range.upperBound)
            while low < high {
                let middle = (low + high) / 2
                let bytes = specials[middle].bytes
                if depth < bytes.count, Int(bytes[depth]) >= wanted { high = middle } else { low = middle + 1 }
            }
            return low
        }
        let low = bound(Int(byte), from: range.lowerBound)
        return low..<bound(Int(byte) + 1, from: low)
    }
}

/// `▁` (U+2581), which stands for a space in SentencePiece's vocabularies.
let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

/// `bytes` with a space for each `▁`.
func spacesForMarks(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for byte in bytes {
        result.append(byte)
        if byte == 0x81, result.suffix(3).elementsEqual(spaceMark) {
            result.removeLast(3)
            result.append(UInt8(ascii: " "))
        }
    }
    return result
}
