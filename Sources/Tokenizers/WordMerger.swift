/// Turns the bytes of one word into tokens of a byte-level vocabulary.
struct WordMerger {
    private var merger: PairMerger
    /// Symbol of each byte.
    private let byteSymbols: [Int32]
    /// Symbols from here on are steps between merges that are no tokens.
    private let vocabularySize: Int32
    private let byteTokens: [Int32]

    /// - Parameter byteTokens: the token of each byte, or -1 if the vocabulary has none.
    init(merges: MergeTable, byteSymbols: [Int32], byteTokens: [Int32], vocabularySize: Int32) {
        merger = PairMerger(merges: merges)
        self.byteSymbols = byteSymbols
        self.byteTokens = byteTokens
        self.vocabularySize = vocabularySize
    }

    /// Appends the word's tokens; bytes for which the vocabulary has no token are left out, as llama.cpp does.
    mutating func encode(_ word: UnsafeBufferPointer<UInt8>, into output: inout [Int32]) {
        merger.removeAll()
        for byte in word { merger.append(byteSymbols[Int(byte)]) }
        merger.merge()
        var position = 0
        while position < word.count {
            let symbol = merger.symbols[position]
            let next = merger.next[position]
            if symbol < vocabularySize {
                output.append(symbol)
            } else {
                for byte in word[position..<next] where byteTokens[Int(byte)] >= 0 {
                    output.append(byteTokens[Int(byte)])
                }
            }
            position = next
        }
    }
}
