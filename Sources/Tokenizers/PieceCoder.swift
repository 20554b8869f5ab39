/// What encoding with a SentencePiece vocabulary looks up.
struct PieceCoder: Sendable {
    let merges: MergeTable
    /// Symbol of each character, a space for `▁`.
    let characters: ScalarTable
    /// Symbols from here on are characters that are no tokens.
    let vocabularySize: Int32
    let byteTokens: [Int32]
    let cutsAtSpaces: Bool
    let unknownToken: Int32?
    let fusesUnknown: Bool
    /// Pairs of ASCII characters, first × 128 + second, that some merge brings together.
    private var joinsASCII = [Bool](repeating: false, count: 128 * 128)
    /// The other pairs of which that is true, as merges without a meaning.
    private var joins: MergeTable

    /// - Throws: `TokenizerError.duplicateMerge`.
    init(
        pieces: PieceTable,
        merges list: [PieceTable.Merge],
        cutsAtSpaces: Bool,
        unknownToken: Int32?,
        fusesUnknown: Bool
    ) throws {
        vocabularySize = Int32(pieces.vocabularySize)
        byteTokens = pieces.byteTokens
        self.cutsAtSpaces = cutsAtSpaces
        self.unknownToken = unknownToken
        self.fusesUnknown = fusesUnknown

        var characters = ScalarTable()
        var ends: [(first: UInt32, last: UInt32)] = []
        ends.reserveCapacity(pieces.symbols.count)
        for symbol in 0..<pieces.symbols.count {
            ends.append(Self.ends(of: pieces.symbols[symbol]))
            let (first, _) = ends[symbol]
            if pieces.isCharacter(symbol), first != invalidScalar { characters.set(first, Int32(symbol)) }
        }
        self.characters = characters

        var merges = MergeTable(capacity: list.count)
        var others = Set<UInt64>()
        for (index, merge) in list.enumerated() {
            guard merges.append(merge.left, merge.right, rank: merge.rank, result: merge.result) else {
                let text = String(decoding: pieces.symbols[Int(merge.result)], as: UTF8.self)
                throw TokenizerError.duplicateMerge(index: index, text: text)
            }
            let (last, first) = (ends[Int(merge.left)].last, ends[Int(merge.right)].first)
            if last < 128, first < 128 {
                joinsASCII[Int(last) * 128 + Int(first)] = true
            } else {
                others.insert(UInt64(last) << 32 | UInt64(first))
            }
        }
        self.merges = merges
        joins = MergeTable(capacity: others.count)
        for pair in others {
            joins.append(
                Int32(truncatingIfNeeded: pair >> 32),
                Int32(truncatingIfNeeded: pair),
                rank: 0,
                result: 0
            )
        }
    }

    private static func ends(of bytes: ArraySlice<UInt8>) -> (first: UInt32, last: UInt32) {
        guard !bytes.isEmpty else { return (invalidScalar, invalidScalar) }
        return bytes.withUnsafeBufferPointer { text in
            var start = text.count - 1
            while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
            return (
                decodeScalar(text, at: 0, limit: text.count).scalar,
                decodeScalar(text, at: start, limit: text.count).scalar
            )
        }
    }

    /// Whether some merge could bring these neighbours into one token. If none does, a text can be cut between them
    /// without changing its tokens.
    @inline(__always)
    func canJoin(_ first: UInt32, _ second: UInt32) -> Bool {
        if first < 128, second < 128 { return joinsASCII[Int(first) * 128 + Int(second)] }
        return joins.rank(Int32(bitPattern: first), Int32(bitPattern: second)) != MergeTable.noRank
    }
}

extension PieceTable {
    /// Whether a symbol that merges may use is a single character.
    func isCharacter(_ symbol: Int) -> Bool {
        let bytes = symbols[symbol]
        guard let first = bytes.first else { return false }
        let length =
            switch first {
            case 0xC0...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...: 4
            default: 1
            }
        return bytes.count == length && symbols.find(Array(bytes)) == symbol
    }
}
