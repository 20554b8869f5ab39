extension ByteLevelBPE {
    /// See `Tokenizer.encode`. User-defined tokens are matched whether or not `parseSpecial` is set.
    ///
    /// - Complexity: O(n log n) for one word of n bytes, in practice linear in the text.
    public func encode(_ bytes: [UInt8], parseSpecial: Bool) -> [Int32] {
        let composed = composesCharacters ? CanonicalComposition.compose(bytes) : nil
        return (composed ?? bytes).withUnsafeBufferPointer { text in
            var encoding = Encoding(self, text)
            var start = 0
            for match in (parseSpecial ? specialMatcher : userDefinedMatcher).matches(in: text) {
                encoding.append(start..<match.range.lowerBound)
                encoding.output.append(match.id)
                start = match.range.upperBound
            }
            encoding.append(start..<text.count)
            return encoding.output
        }
    }

    /// One call's state.
    private struct Encoding {
        let text: UnsafeBufferPointer<UInt8>
        let preTokenizer: PreTokenizer
        /// Tokens to look whole words up in, or `nil`.
        let wholeWords: SymbolTable?
        let vocabularySize: Int
        var merger: WordMerger
        var cache: WordCache
        var output: [Int32] = []

        init(_ tokenizer: ByteLevelBPE, _ text: UnsafeBufferPointer<UInt8>) {
            self.text = text
            preTokenizer = tokenizer.preTokenizer
            wholeWords = tokenizer.keepsWholeWords ? tokenizer.symbols : nil
            vocabularySize = tokenizer.vocabularySize
            merger = tokenizer.merger
            cache = WordCache(text: text)
            output.reserveCapacity(text.count / 3)
        }

        mutating func append(_ range: Range<Int>) {
            var scanner = WordScanner(text, range: range, preTokenizer: preTokenizer)
            while let word = scanner.next() {
                let (known, hash) = cache.find(word)
                if let known {
                    for index in known { output.append(output[index]) }
                } else {
                    let start = output.count
                    let bytes = UnsafeBufferPointer(rebasing: text[word])
                    if let token = wholeWords?.find(bytes), token < vocabularySize {
                        output.append(Int32(token))
                    } else {
                        merger.encode(bytes, into: &output)
                    }
                    cache.insert(word, hash: hash, output: start..<output.count)
                }
            }
        }
    }

    public func tokenBytes(_ id: Int32) -> [UInt8] {
        precondition(id >= 0 && id < vocabularySize, "token \(id) outside 0 ..< \(vocabularySize)")
        return Array(symbols[Int(id)])
    }

    /// - Precondition: `0 ..< vocabularySize`.
    public func kind(of id: Int32) -> TokenKind {
        precondition(id >= 0 && id < vocabularySize, "token \(id) outside 0 ..< \(vocabularySize)")
        return kinds[Int(id)]
    }

    public func isControl(_ id: Int32) -> Bool { kind(of: id) == .control }
}
