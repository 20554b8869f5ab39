/// Byte-level byte-pair encoding, as GPT-2, SmolLM and Qwen use it.
///
/// Agrees with llama.cpp token for token on text that is UTF-8. Bytes that are
/// not UTF-8 keep their value here, where llama.cpp replaces each by U+FFFD, so
/// that `decode(encode(x)) == x` for all bytes but `missingBytes`; those are
/// left out, as in llama.cpp. Sources: Sennrich et al., "Neural Machine
/// Translation of Rare Words with Subword Units" (2016); Radford et al. (2019).
public struct ByteLevelBPE: Tokenizer {
    public let vocabularySize: Int
    public let beginToken: Int32?
    public let endOfTextTokens: Set<Int32>
    public let preTokenizer: PreTokenizer
    /// Bytes that the vocabulary cannot express: of SmolLM2, some control characters and bytes that UTF-8 never has.
    public let missingBytes: [UInt8]

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
    ///   - beginToken: `nil` if the model wants none, whether or not the vocabulary has one.
    ///   - endTokens: besides control tokens whose text is known to end a turn, such as `<|im_end|>`.
    /// - Throws: `TokenizerError`.
    /// - Complexity: O(bytes of tokens and merges).
    public init(
        tokens: [String],
        merges: [String],
        tokenTypes: [Int],
        preTokenizer: PreTokenizer,
        beginToken: Int32? = nil,
        endTokens: Set<Int32> = []
    ) throws {
        guard !tokens.isEmpty else { throw TokenizerError.emptyVocabulary }
        guard tokens.count <= Self.tokenLimit else {
            throw TokenizerError.tooManyTokens(count: tokens.count, limit: Self.tokenLimit)
        }
        kinds = try Self.kinds(tokenTypes, count: tokens.count)
        for id in endTokens.union(beginToken.map { [$0] } ?? []) where id < 0 || id >= tokens.count {
            let role = id == beginToken ? "begin-of-text" : "end-of-text"
            throw TokenizerError.tokenOutOfRange(role: role, id: Int(id), vocabularySize: tokens.count)
        }
        vocabularySize = tokens.count
        self.preTokenizer = preTokenizer
        self.beginToken = beginToken
        endOfTextTokens = endTokens.union(Self.knownEnds(tokens, kinds))

        var symbols = Self.symbols(of: tokens, kinds)
        let byteTokens = (0...255).map { symbols.find([UInt8($0)]).map { Int32($0) } ?? -1 }
        missingBytes = (0...255).filter { byteTokens[Int($0)] < 0 }
        let byteSymbols = (0...255).map { Self.intern([UInt8($0)], in: &symbols) }
        merger = WordMerger(
            merges: try Self.mergeTable(merges, &symbols),
            byteSymbols: byteSymbols,
            byteTokens: byteTokens,
            vocabularySize: Int32(tokens.count)
        )
        self.symbols = symbols

        let special = zip(kinds, tokens).enumerated().filter { $1.0.isSpecial }
            .map { (id: Int32($0), kind: $1.0, bytes: Array($1.1.utf8)) }
        specialMatcher = SpecialTokenMatcher(special.map { ($0.id, $0.bytes) })
        userDefinedMatcher = SpecialTokenMatcher(
            special.filter { $0.kind == .userDefined }.map { ($0.id, $0.bytes) }
        )
    }

    /// Ids and steps between merges together must fit 32 bits.
    private static let tokenLimit = 1 << 28

    private static func kinds(_ numbers: [Int], count: Int) throws -> [TokenKind] {
        guard !numbers.isEmpty else { return [TokenKind](repeating: .normal, count: count) }
        guard numbers.count == count else {
            throw TokenizerError.kindCountDiffers(tokens: count, kinds: numbers.count)
        }
        return try numbers.enumerated().map { token, number in
            guard let kind = TokenKind(rawValue: number) else {
                throw TokenizerError.unknownTokenKind(token: token, kind: number)
            }
            return kind
        }
    }

    private static func symbols(of tokens: [String], _ kinds: [TokenKind]) -> SymbolTable {
        var symbols = SymbolTable(capacity: tokens.count)
        var bytes: [UInt8] = []
        for (text, kind) in zip(tokens, kinds) {
            bytes.removeAll(keepingCapacity: true)
            // A special token, or one outside the alphabet, is never the result of merges.
            if !kind.isSpecial, ByteAlphabet.decode(text, into: &bytes) {
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
        guard merges.count <= WordMerger.rankLimit else {
            throw TokenizerError.tooManyMerges(count: merges.count, limit: WordMerger.rankLimit)
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
                result: intern(left + right, in: &symbols)
            )
        }
        return table
    }
}
