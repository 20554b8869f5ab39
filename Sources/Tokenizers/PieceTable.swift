/// A SentencePiece vocabulary by content, and the merges that make its pieces.
struct PieceTable {
    /// One merge of two symbols.
    struct Merge {
        let left: Int32
        let right: Int32
        let rank: UInt32
        let result: Int32
    }

    /// Tokens under their ids, then characters that are part of pieces but none themselves. Those that merges never
    /// make are not found by content.
    private(set) var symbols: SymbolTable
    /// The token of each byte; empty if the vocabulary has none.
    let byteTokens: [Int32]
    let vocabularySize: Int
    private let kinds: [TokenKind]

    /// - Parameter mergesSpecial: whether special tokens may be parts and results of merges, as where these are listed.
    /// - Throws: `TokenizerError` for texts that are there twice or too long, and for some bytes but not all.
    init(_ tokens: [String], _ kinds: [TokenKind], mergesSpecial: Bool) throws {
        vocabularySize = tokens.count
        self.kinds = kinds
        symbols = SymbolTable(capacity: tokens.count)
        var byteTokens = [Int32](repeating: -1, count: 256)
        var byteCount = 0
        for (id, (text, kind)) in zip(tokens, kinds).enumerated() {
            guard text.utf8.count <= SentencePieceBPE.longestPiece else {
                throw TokenizerError.tokenTooLong(
                    id: id,
                    bytes: text.utf8.count,
                    limit: SentencePieceBPE.longestPiece
                )
            }
            switch kind {
            case .byte:
                guard let byte = Self.byte(of: text) else {
                    throw TokenizerError.malformedByteTokens("token \(id), of the kind of bytes, is '\(text)'")
                }
                guard byteTokens[Int(byte)] < 0 else {
                    throw TokenizerError.malformedByteTokens("token \(id) is \(text) a second time")
                }
                byteTokens[Int(byte)] = Int32(id)
                byteCount += 1
                symbols.appendUnfindable([byte])
            case .unused: symbols.appendUnfindable(text.utf8)
            case .normal, .userDefined, .control, .unknown:
                let bytes = kind == .control || kind == .unknown ? Array(text.utf8) : spacesForMarks(text.utf8)
                guard !bytes.isEmpty, kind == .normal || mergesSpecial else {
                    symbols.appendUnfindable(bytes)
                    continue
                }
                if let first = symbols.find(bytes) {
                    throw TokenizerError.duplicateToken(text: text, first: first, second: id)
                }
                symbols.append(bytes)
            }
        }
        guard byteCount == 0 || byteCount == 256 else {
            throw TokenizerError.malformedByteTokens("the vocabulary has \(byteCount) of 256 byte tokens")
        }
        self.byteTokens = byteCount == 0 ? [] : byteTokens
    }

    /// The byte that `<0xAB>` stands for.
    static func byte(of text: String) -> UInt8? {
        let characters = Array(text.utf8)
        guard characters.count == 6, text.hasPrefix("<0x"), text.hasSuffix(">") else { return nil }
        return UInt8(text.dropFirst(3).prefix(2), radix: 16)
    }

    // MARK: - Merges

    /// Every way to make a piece of two symbols, pieces of higher score first.
    ///
    /// SentencePiece looks the result of each pair up as it goes; here it is done once, so that encoding hashes no
    /// strings. Symbols are single characters and what merges make of them, which are pieces.
    mutating func merges(scores: [Double]) throws -> [Merge] {
        guard scores.count == vocabularySize else {
            throw TokenizerError.scoreCountDiffers(tokens: vocabularySize, scores: scores.count)
        }
        if let token = scores.firstIndex(where: { !$0.isFinite }) {
            throw TokenizerError.invalidScore(token: token, score: scores[token])
        }
        let order = (0..<vocabularySize).filter { kinds[$0] == .normal && symbols.length(of: $0) > 1 }
            .sorted { (scores[$1], $0) < (scores[$0], $1) }
        var merges: [Merge] = []
        merges.reserveCapacity(order.count * 3)
        var rank: UInt32 = 0
        var lastScore: Double?
        for piece in order {
            if let lastScore, lastScore != scores[piece] { rank += 1 }
            lastScore = scores[piece]
            try checkRank(Int(rank))
            appendSplits(of: piece, rank: rank, to: &merges)
        }
        return merges
    }

    private mutating func appendSplits(of piece: Int, rank: UInt32, to merges: inout [Merge]) {
        let bytes = Array(symbols[piece])
        bytes.withUnsafeBufferPointer { text in
            var (_, end) = decodeScalar(text, at: 0, limit: text.count)
            var isFirst = true
            while end < text.count {
                let (_, next) = decodeScalar(text, at: end, limit: text.count)
                let left = UnsafeBufferPointer(rebasing: text[..<end])
                let right = UnsafeBufferPointer(rebasing: text[end...])
                let leftSymbol = symbols.find(left) ?? (isFirst ? intern(left) : nil)
                if let leftSymbol, let rightSymbol = symbols.find(right) ?? (next == text.count ? intern(right) : nil) {
                    merges.append(
                        Merge(left: Int32(leftSymbol), right: Int32(rightSymbol), rank: rank, result: Int32(piece))
                    )
                }
                isFirst = false
                end = next
            }
        }
    }

    private mutating func intern(_ character: UnsafeBufferPointer<UInt8>) -> Int {
        symbols.append(Array(character))
        return symbols.count - 1
    }

    /// The listed pairs in their order.
    ///
    /// - Throws: `TokenizerError` for pairs that are there twice, and for parts or results that are no tokens.
    func merges(list: [(left: String, right: String)]) throws -> [Merge] {
        try checkRank(list.count)
        return try list.enumerated().map { index, pair in
            func symbol(_ text: String) throws -> Int32 {
                guard let symbol = symbols.find(spacesForMarks(text.utf8)) else {
                    throw TokenizerError.mergeOutsideVocabulary(
                        index: index,
                        text: "\(pair.left) \(pair.right)",
                        missing: text
                    )
                }
                return Int32(symbol)
            }
            let (left, right) = (try symbol(pair.left), try symbol(pair.right))
            return Merge(left: left, right: right, rank: UInt32(index), result: try symbol(pair.left + pair.right))
        }
    }

    private func checkRank(_ rank: Int) throws {
        guard rank < MergeTable.rankLimit else {
            throw TokenizerError.tooManyMerges(count: rank, limit: MergeTable.rankLimit)
        }
    }
}
