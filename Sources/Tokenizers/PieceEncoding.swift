/// The state of one call that encodes with a SentencePiece vocabulary.
struct PieceEncoding {
    static let space = UInt32(UInt8(ascii: " "))
    /// `▁`
    private static let mark: UInt32 = 0x2581

    private let coder: PieceCoder
    private let text: UnsafeBufferPointer<UInt8>
    private var merger: PairMerger
    /// Where each symbol of the word begins in the text.
    private var starts: [Int] = []
    private var cache: WordCache
    private(set) var output: [Int32] = []
    /// Whether the last token is an unknown character's.
    private var endsUnknown = false

    init(_ coder: PieceCoder, _ text: UnsafeBufferPointer<UInt8>) {
        self.coder = coder
        self.text = text
        merger = PairMerger(merges: coder.merges)
        cache = WordCache(text: text)
        output.reserveCapacity(text.count / 3)
    }

    mutating func append(token: Int32) {
        output.append(token)
        endsUnknown = false
    }

    /// Appends the tokens of a part of the text.
    ///
    /// - Parameter hasPrefix: whether a space is put before it, unless it is empty.
    mutating func append(_ range: Range<Int>, hasPrefix: Bool) {
        var position = range.lowerBound
        var addsSpace = hasPrefix
        while position < range.upperBound {
            let chunk = position..<endOfChunk(position, limit: range.upperBound)
            position = chunk.upperBound
            if addsSpace {
                merge(chunk, addsSpace: true)
                addsSpace = false
                continue
            }
            let (known, hash) = cache.find(chunk)
            if let known {
                for index in known { output.append(output[index]) }
                endsUnknown = false
            } else {
                let start = output.count
                let isPlain = merge(chunk, addsSpace: false)
                // Runs of unknown characters fuse, so that their tokens depend on what came before.
                if isPlain { cache.insert(chunk, hash: hash, output: start..<output.count) }
            }
        }
    }

    @inline(__always)
    static func character(
        of text: UnsafeBufferPointer<UInt8>,
        at position: Int,
        limit: Int
    ) -> (scalar: UInt32, next: Int) {
        let (scalar, next) = decodeScalar(text, at: position, limit: limit)
        return (scalar == mark ? space : scalar, next)
    }

    /// The first place behind `start` across which no merge reaches.
    private func endOfChunk(_ start: Int, limit: Int) -> Int {
        var (last, end) = Self.character(of: text, at: start, limit: limit)
        while end < limit {
            let (scalar, next) = Self.character(of: text, at: end, limit: limit)
            if !coder.canJoin(last, scalar) || coder.cutsAtSpaces && scalar == Self.space { break }
            (last, end) = (scalar, next)
        }
        return end
    }

    /// Appends the tokens of a chunk; says whether they would be the same anywhere.
    @discardableResult
    private mutating func merge(_ chunk: Range<Int>, addsSpace: Bool) -> Bool {
        merger.removeAll()
        starts.removeAll(keepingCapacity: true)
        if addsSpace {
            merger.append(coder.characters[Self.space])
            starts.append(chunk.lowerBound)
        }
        var position = chunk.lowerBound
        while position < chunk.upperBound {
            let (scalar, next) = Self.character(of: text, at: position, limit: chunk.upperBound)
            merger.append(coder.characters[scalar])
            starts.append(position)
            position = next
        }
        merger.merge()
        var isPlain = true
        var entry = 0
        while entry < starts.count {
            let symbol = merger.symbols[entry]
            let next = merger.next[entry]
            if symbol >= 0, symbol < coder.vocabularySize {
                output.append(symbol)
                endsUnknown = false
            } else {
                let end = next < starts.count ? starts[next] : chunk.upperBound
                isPlain = appendFallback(starts[entry]..<end) && isPlain
            }
            entry = next
        }
        return isPlain
    }

    /// Appends a character that is no token: by its bytes, or as unknown; says whether it was by bytes.
    ///
    /// - Parameter range: empty for the space before a text.
    private mutating func appendFallback(_ range: Range<Int>) -> Bool {
        let bytes = UnsafeBufferPointer(rebasing: text[range])
        guard coder.byteTokens.isEmpty else {
            // A space has been written as a mark before its bytes are asked for.
            let isSpace = bytes.isEmpty || bytes.count == 1 && bytes[0] == UInt8(ascii: " ")
            if isSpace {
                for byte in spaceMark { output.append(coder.byteTokens[Int(byte)]) }
            } else {
                for byte in bytes { output.append(coder.byteTokens[Int(byte)]) }
            }
            endsUnknown = false
            return true
        }
        if let unknown = coder.unknownToken, !(endsUnknown && coder.fusesUnknown) {
            output.append(unknown)
            endsUnknown = true
        }
        return false
    }
}
