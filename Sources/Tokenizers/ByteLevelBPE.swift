/// Byte-level byte-pair encoding, as GPT-2, Falcon, Llama 3, SmolLM and Qwen use it.
///
/// Agrees token for token with Hugging Face's `tokenizers` on text that is UTF-8. Bytes that are
/// not UTF-8 keep their value here, where others replace each by U+FFFD, so
/// that `decode(encode(x)) == x` for all bytes but `missingBytes`; those are
/// left out, as in llama.cpp, unless the vocabulary has a token for them. Sources: Sennrich et al., "Neural Machine
/// Translation of Rare Words with Subword Units" (2016); Radford et al. (2019).
public struct ByteLevelBPE: Tokenizer {
    public let vocabularySize: Int
    public let beginToken: Int32?
    public let finalToken: Int32?
    public let endOfTextTokens: Set<Int32>
    public let preTokenizer: PreTokenizer
    /// Bytes that the vocabulary cannot express: of SmolLM2, some control characters and bytes that UTF-8 never has.
    public let missingBytes: [UInt8]
    /// Whether text is brought to Unicode's composed form (NFC) first, as Qwen's own tokenizer does.
    public let composesCharacters: Bool
    /// Whether a word that is a token as a whole is not merged from its bytes.
    public let keepsWholeWords: Bool

    let kinds: [TokenKind]
    /// Tokens first, under their ids, then steps between merges that are no tokens.
    let symbols: SymbolTable
    let merger: WordMerger
    let userDefinedMatcher: SpecialTokenMatcher
    let specialMatcher: SpecialTokenMatcher

    /// - Parameters:
    ///   - tokens: texts by id; of normal tokens in GPT-2's byte alphabet, of special ones plain.
    ///   - merges: pairs in the byte alphabet with a space between, by rank.
    ///   - tokenTypes: GGUF's kinds by id, 1 (normal) to 6 (byte); empty if all are normal.
    ///   - keepsWholeWords: whether a word that is a token as a whole is not merged from its bytes.
    ///   - composesCharacters: whether text is brought to Unicode's composed form first.
    ///   - beginToken: `nil` if the model wants none, whether or not the vocabulary has one.
    ///   - finalToken: the same for the end of a text.
    ///   - unknownToken: what stands for bytes that the vocabulary lacks; `nil` leaves them out.
    ///   - endTokens: besides control tokens whose text is known to end a turn, such as `<|im_end|>`.
    /// - Throws: `TokenizerError`.
    /// - Complexity: O(bytes of tokens and merges).
    public init(
        tokens: [String],
        merges: [String],
        tokenTypes: [Int],
        preTokenizer: PreTokenizer,
        keepsWholeWords: Bool = false,
        composesCharacters: Bool = false,
        beginToken: Int32? = nil,
        finalToken: Int32? = nil,
        unknownToken: Int32? = nil,
        endTokens: Set<Int32> = []
    ) throws {
        try SpecialTokens.check(
            tokens.count,
            [("begin-of-text", beginToken), ("final", finalToken), ("unknown", unknownToken)],
            ends: endTokens
        )
        kinds = try TokenKind.kinds(tokenTypes, count: tokens.count)
        vocabularySize = tokens.count
        self.preTokenizer = preTokenizer
        self.keepsWholeWords = keepsWholeWords
        self.composesCharacters = composesCharacters
        self.beginToken = beginToken
        self.finalToken = finalToken
        endOfTextTokens = endTokens.union(TokenKind.knownEnds(tokens, kinds))

        var symbols = try Self.symbols(of: tokens, kinds)
        let known = (0...255).map { symbols.find([UInt8($0)]).map { Int32($0) } }
        missingBytes = (0...255).filter { known[Int($0)] == nil }
        let byteTokens = known.map { $0 ?? unknownToken ?? -1 }
        let byteSymbols = (0...255).map { Self.intern([UInt8($0)], in: &symbols) }
        merger = WordMerger(
            merges: try Self.mergeTable(merges, &symbols),
            byteSymbols: byteSymbols,
            byteTokens: byteTokens,
            vocabularySize: Int32(tokens.count)
        )
        self.symbols = symbols

        (userDefinedMatcher, specialMatcher) = try SpecialTokens.matchers(tokens, kinds)
    }

    private static func symbols(of tokens: [String], _ kinds: [TokenKind]) throws -> SymbolTable {
        var symbols = SymbolTable(capacity: tokens.count)
        var bytes: [UInt8] = []
        for (id, (text, kind)) in zip(tokens, kinds).enumerated() {
            bytes.removeAll(keepingCapacity: true)
            // A special token, one outside the alphabet, or an id without a text is never the result of merges.
            if !kind.isSpecial, !text.isEmpty, ByteAlphabet.decode(text, into: &bytes) {
                if let first = symbols.find(bytes) {
                    throw TokenizerError.duplicateToken(text: text, first: first, second: id)
                }
                symbols.append(bytes)
            } else {
                symbols.appendUnfindable(text.utf8)
            }
        }
        return symbols
    }

    private static func intern(_ bytes: [UInt8], in symbols: inout SymbolTable) -> Int32 {
        if let symbol = symbols.find(bytes) { return Int32(symbol) }
        symbols.append(bytes)
        return Int32(symbols.count - 1)
    }

    private static func mergeTable(_ merges: [String], _ symbols: inout SymbolTable) throws -> MergeTable {
        guard merges.count <= MergeTable.rankLimit else {
            throw TokenizerError.tooManyMerges(count: merges.count, limit: MergeTable.rankLimit)
        }
        var table = MergeTable(capacity: merges.count)
        var (left, right): ([UInt8], [UInt8]) = ([], [])
        for (index, text) in merges.enumerated() {
            left.removeAll(keepingCapacity: true)
            right.removeAll(keepingCapacity: true)
            guard let space = text.utf8.firstIndex(of: UInt8(ascii: " ")),
                ByteAlphabet.decode(text[..<space], into: &left), !left.isEmpty,
                ByteAlphabet.decode(text[text.utf8.index(after: space)...], into: &right), !right.isEmpty
            else { throw TokenizerError.malformedMerge(index: index, text: text) }
            table.append(
                intern(left, in: &symbols),
                intern(right, in: &symbols),
                rank: UInt32(index),
                result: intern(left + right, in: &symbols)
            )
        }
        return table
    }
}
