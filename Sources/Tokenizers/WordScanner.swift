/// Cuts UTF-8 text into words, one at each call, in linear time.
///
/// Bytes that are not UTF-8 count as one character of class `other` each.
struct WordScanner {
    let text: UnsafeBufferPointer<UInt8>
    private let preTokenizer: PreTokenizer
    private let table = CharacterClassTable.shared
    private let textEnd: Int
    private var position: Int
    /// For `smollm`: what lies before the next number; for `falcon`: before or behind punctuation.
    private var segmentEnd: Int
    /// For `falcon`: the word that is cut at digits.
    private var wordEnd: Int

    /// Scans `range` of `text` as if nothing lay around it.
    init(_ text: UnsafeBufferPointer<UInt8>, range: Range<Int>, preTokenizer: PreTokenizer) {
        self.text = text
        self.preTokenizer = preTokenizer
        position = range.lowerBound
        segmentEnd = range.lowerBound
        wordEnd = range.lowerBound
        textEnd = range.upperBound
    }

    /// The next word, never empty; `nil` at the end.
    mutating func next() -> Range<Int>? {
        guard position < textEnd else { return nil }
        let start = position
        switch preTokenizer {
        case .gpt2: position = endOfGPT2Word(start, limit: textEnd)
        case .qwen2: position = endOfQwen2Word(start, limit: textEnd, digits: 1)
        case .llama3: position = endOfQwen2Word(start, limit: textEnd, digits: 3)
        case .falcon:
            if start == wordEnd {
                if start == segmentEnd { segmentEnd = endOfPunctuationSegment(start, limit: textEnd) }
                wordEnd = endOfGPT2Word(start, limit: segmentEnd)
            }
            position = endOfFalconPiece(start, limit: wordEnd)
        case .smollm:
            if start == segmentEnd {
                let (kind, next) = character(at: start, limit: textEnd)
                if kind == CharacterClass.number {
                    segmentEnd = next
                    position = next
                    return start..<next
                }
                segmentEnd = next
                while true {
                    let (kind, next) = character(at: segmentEnd, limit: textEnd)
                    if kind == CharacterClass.number || kind == CharacterClass.end { break }
                    segmentEnd = next
                }
            }
            position = endOfGPT2Word(start, limit: segmentEnd)
        }
        return start..<position
    }

    /// Class of the character at `position`, and where the next one begins.
    @inline(__always)
    func character(at position: Int, limit: Int) -> (kind: UInt8, next: Int) {
        guard position < limit else { return (CharacterClass.end, position) }
        let (scalar, next) = decodeScalar(text, at: position, limit: limit)
        return (table[scalar], next)
    }

    /// The end of the run of characters of class `kind` from `position` on.
    @inline(__always)
    func endOfRun(_ kind: UInt8, from position: Int, limit: Int) -> Int {
        var end = position
        while true {
            let (found, next) = character(at: end, limit: limit)
            guard found == kind else { return end }
            end = next
        }
    }

    /// Length in bytes of an English contraction (`'s`, `'re`, …) at `position`, or 0.
    func contractionLength(at position: Int, limit: Int, ignoringCase: Bool) -> Int {
        func letter(_ index: Int) -> UInt8 {
            guard position + index < limit else { return 0 }
            let byte = text[position + index]
            return ignoringCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        guard text[position] == UInt8(ascii: "'") else { return 0 }
        switch (letter(1), letter(2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _): return 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")): return 3
        case (UInt8(ascii: "l"), UInt8(ascii: "l")): return 3
        default: return 0
        }
    }
}
