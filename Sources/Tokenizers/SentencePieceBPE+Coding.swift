extension SentencePieceBPE {
    /// See `Tokenizer.encode`. User-defined tokens are matched whether or not `parseSpecial` is set.
    ///
    /// - Complexity: O(n log n) for n characters that all could merge, in practice linear in the text.
    public func encode(_ bytes: [UInt8], parseSpecial: Bool) -> [Int32] {
        bytes.withUnsafeBufferPointer { text in
            var encoding = PieceEncoding(coder, text)
            var start = 0
            for match in (parseSpecial ? specialMatcher : userDefinedMatcher).matches(in: text) {
                encoding.append(start..<match.range.lowerBound, hasPrefix: hasPrefix(text, from: start))
                encoding.append(token: match.id)
                start = match.range.upperBound
            }
            encoding.append(start..<text.count, hasPrefix: hasPrefix(text, from: start))
            return encoding.output
        }
    }

    /// Whether a space goes before the segment that begins at `start`.
    private func hasPrefix(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        switch spacePrefix.place {
        case .never: return false
        case .beginning where start > 0: return false
        case .beginning, .everySegment: break
        }
        guard spacePrefix.onlyIfMissing, start < text.count else { return true }
        return PieceEncoding.character(of: text, at: start, limit: text.count).scalar != PieceEncoding.space
    }

    /// See `Tokenizer.decode`; drops the spaces that `encode` puts before a text.
    public func decode(_ ids: [Int32], skipControl: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        var dropsSpace = spacePrefix.place != .never
        for id in ids {
            let kind = kind(of: id)
            if kind.isSpecial {
                if !(skipControl && kind == .control) { bytes.append(contentsOf: symbols[Int(id)]) }
                if spacePrefix.place == .everySegment { dropsSpace = true }
                if spacePrefix.place == .beginning, kind != .control { dropsSpace = false }
            } else {
                let piece = symbols[Int(id)]
                bytes.append(contentsOf: dropsSpace && piece.first == UInt8(ascii: " ") ? piece.dropFirst() : piece)
                dropsSpace = false
            }
        }
        return bytes
    }
}
