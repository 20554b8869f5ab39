/// Byte-pair encoding over characters, as SentencePiece has it: Llama 2, Mistral, Gemma.
///
/// Spaces are written as `▁` and may be merged like letters, so that words are
/// not cut beforehand. Characters that the vocabulary lacks become the tokens
/// of their UTF-8 bytes, and so do bytes that are not UTF-8, which others
/// replace by U+FFFD. `decode(encode(x)) == x` but for what SentencePiece's
/// own normalization leaves: `▁` in a text comes back as a space.
/// Source: Kudo and Richardson, "SentencePiece" (2018).
public struct SentencePieceBPE: Tokenizer {
    /// Which two pieces merge first.
    public enum MergeOrder: Sendable {
        /// The pair whose result has the highest score, of all pairs that make a piece: SentencePiece's own.
        case scores([Double])
        /// The pair that is listed first, of these only: Hugging Face's.
        case list([(left: String, right: String)])
    }

    public let vocabularySize: Int
    public let beginToken: Int32?
    public let finalToken: Int32?
    public let endOfTextTokens: Set<Int32>
    public let spacePrefix: SpacePrefix

    let kinds: [TokenKind]
    /// Pieces under their ids, `▁` as a space; then characters that are part of pieces but none themselves.
    let symbols: SymbolTable
    let coder: PieceCoder
    let userDefinedMatcher: SpecialTokenMatcher
    let specialMatcher: SpecialTokenMatcher

    /// - Parameters:
    ///   - tokens: texts by id, with `▁` for spaces; of bytes, `<0x00>` to `<0xFF>`.
    ///   - tokenTypes: GGUF's kinds by id, 1 (normal) to 6 (byte), which are SentencePiece's too.
    ///   - cutsAtSpaces: whether nothing is merged across the beginning of a `▁`.
    ///   - unknownToken: what stands for characters that neither the pieces nor the byte tokens can express.
    ///   - fusesUnknown: whether a run of them is one unknown token.
    ///   - beginToken: `nil` if the model wants none, whether or not the vocabulary has one.
    ///   - finalToken: the same for the end of a text.
    ///   - endTokens: besides control tokens whose text is known to end a turn, such as `<end_of_turn>`.
    /// - Throws: `TokenizerError`.
    /// - Complexity: O(bytes of tokens and merges); with scores, times the length of a piece, at most
    ///   `longestPiece`.
    public init(
        tokens: [String],
        tokenTypes: [Int],
        order: MergeOrder,
        spacePrefix: SpacePrefix = SpacePrefix(.beginning),
        cutsAtSpaces: Bool = false,
        beginToken: Int32? = nil,
        finalToken: Int32? = nil,
        unknownToken: Int32? = nil,
        fusesUnknown: Bool = true,
        endTokens: Set<Int32> = []
    ) throws {
        try SpecialTokens.check(
            tokens.count,
            [("begin-of-text", beginToken), ("final", finalToken), ("unknown", unknownToken)],
            ends: endTokens
        )
        kinds = try TokenKind.kinds(tokenTypes, count: tokens.count)
        vocabularySize = tokens.count
        self.spacePrefix = spacePrefix
        self.beginToken = beginToken
        self.finalToken = finalToken
        endOfTextTokens = endTokens.union(TokenKind.knownEnds(tokens, kinds))
        var pieces: PieceTable
        let merges: [PieceTable.Merge]
        switch order {
        case .scores(let scores):
            pieces = try PieceTable(tokens, kinds, mergesSpecial: false)
            merges = try pieces.merges(scores: scores)
        case .list(let list):
            pieces = try PieceTable(tokens, kinds, mergesSpecial: true)
            merges = try pieces.merges(list: list)
        }
        symbols = pieces.symbols
        coder = try PieceCoder(
            pieces: pieces,
            merges: merges,
            cutsAtSpaces: cutsAtSpaces,
            unknownToken: unknownToken,
            fusesUnknown: fusesUnknown
        )
        (userDefinedMatcher, specialMatcher) = try SpecialTokens.matchers(tokens, kinds, readsMarksAsSpaces: true)
    }

    /// Bytes of the longest piece that is accepted; Gemma's longest takes 48.
    public static let longestPiece = 512

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
