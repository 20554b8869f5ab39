// The regular expressions' alternatives in their order, the first that matches wins.

extension WordScanner {
    /// End of the word that begins at `start`, by GPT-2's rules.
    func endOfGPT2Word(_ start: Int, limit: Int) -> Int {
        let contraction = contractionLength(at: start, limit: limit, ignoringCase: false)
        if contraction > 0 { return start + contraction }

        // ` ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+`
        var (kind, next) = character(at: start, limit: limit)
        if text[start] == UInt8(ascii: " ") {
            let following = character(at: next, limit: limit)
            if following.kind != CharacterClass.end { (kind, next) = following }
        }
        if kind != CharacterClass.space { return endOfRun(kind, from: next, limit: limit) }
        return endOfWhiteSpace(start, limit: limit)
    }

    /// End of the word that begins at `start`, by Qwen2's rules, or by Llama 3's, where up to 3 digits are a word.
    func endOfQwen2Word(_ start: Int, limit: Int, digits: Int) -> Int {
        let contraction = contractionLength(at: start, limit: limit, ignoringCase: true)
        if contraction > 0 { return start + contraction }

        let (kind, next) = character(at: start, limit: limit)
        let following = character(at: next, limit: limit)
        // `[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}`
        if kind == CharacterClass.letter { return endOfRun(kind, from: next, limit: limit) }
        if kind == CharacterClass.number {
            var end = next
            for _ in 1..<max(digits, 1) {
                let following = character(at: end, limit: limit)
                guard following.kind == CharacterClass.number else { break }
                end = following.next
            }
            return end
        }
        if following.kind == CharacterClass.letter, !isLineEnd(start, limit: limit) {
            return endOfRun(following.kind, from: following.next, limit: limit)
        }
        // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
        var punctuation = kind == CharacterClass.other ? next : nil
        if text[start] == UInt8(ascii: " "), following.kind == CharacterClass.other { punctuation = following.next }
        if let punctuation {
            var end = endOfRun(CharacterClass.other, from: punctuation, limit: limit)
            while isLineEnd(end, limit: limit) { end += 1 }
            return end
        }
        // `\s*[\r\n]+`: up to the run's last line end, if it has one.
        let runEnd = endOfRun(CharacterClass.space, from: start, limit: limit)
        var lineEnd = runEnd
        while lineEnd > start, !isLineEnd(lineEnd - 1, limit: limit) { lineEnd -= 1 }
        return lineEnd > start ? lineEnd : endOfWhiteSpace(start, limit: limit)
    }

    /// End of the run of punctuation, or of anything else, that begins at `start`.
    func endOfPunctuationSegment(_ start: Int, limit: Int) -> Int {
        let table = CharacterClassTable.punctuation
        var (scalar, end) = decodeScalar(text, at: start, limit: limit)
        let kind = table[scalar]
        while end < limit {
            let (following, next) = decodeScalar(text, at: end, limit: limit)
            guard table[following] == kind else { break }
            (scalar, end) = (following, next)
        }
        return end
    }

    /// End of the run of digits, or of anything else, in a word of Falcon's; of runs of digits, three at a time.
    ///
    /// Falcon's own tokenizer looks for digits after it has written each byte as a character, so that the bytes which
    /// stand for `²³¹¼½¾` count, even inside of other characters.
    func endOfFalconPiece(_ start: Int, limit: Int) -> Int {
        func isDigit(_ position: Int) -> Bool { position < limit && (0x30...0x39).contains(text[position]) }
        func isNumeric(_ position: Int) -> Bool {
            switch text[position] {
            case 0x30...0x39, 0xB2, 0xB3, 0xB9, 0xBC...0xBE: true
            default: false
            }
        }
        func hasThreeDigits(_ position: Int) -> Bool {
            isDigit(position) && isDigit(position + 1) && isDigit(position + 2)
        }
        if hasThreeDigits(start) { return start + 3 }
        var end = start + 1
        while end < limit, isNumeric(end) == isNumeric(start), !hasThreeDigits(end) { end += 1 }
        return end
    }

    /// `\s+(?!\S)|\s+`: the run of white space, less its last character if a word follows and one is left.
    private func endOfWhiteSpace(_ start: Int, limit: Int) -> Int {
        var (end, last) = (start, start)
        while true {
            let (kind, next) = character(at: end, limit: limit)
            if kind == CharacterClass.end { return end }
            guard kind == CharacterClass.space else { return last > start ? last : end }
            (last, end) = (end, next)
        }
    }

    private func isLineEnd(_ position: Int, limit: Int) -> Bool {
        position < limit && (text[position] == UInt8(ascii: "\n") || text[position] == UInt8(ascii: "\r"))
    }
}
