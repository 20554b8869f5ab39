/// The tokens of a `tokenizer.json` by id: its model's, then those added.
struct HuggingFaceVocabulary {
    private(set) var tokens: [String] = []
    private(set) var kinds: [TokenKind] = []
    /// Ids of special tokens by text.
    private var added: [String: Int32] = [:]

    /// Ids may leave gaps, as after a vocabulary has been cut, but not so many that a number costs memory.
    private static func identifierLimit(_ count: Int) -> Int { 2 * count + 1024 }

    /// - Throws: `TokenizerError` for ids that are there twice or far beyond the vocabulary.
    init(_ file: TokenizerFile) throws {
        let count = file.vocabulary.count + file.addedTokens.count
        guard count > 0 else { throw TokenizerError.emptyVocabulary }
        let largest = max(
            file.vocabulary.map { $0.id }.max() ?? 0,
            file.addedTokens.map { $0.id }.max() ?? 0
        )
        for (text, id) in file.vocabulary + file.addedTokens.map({ ($0.text, $0.id) })
        where id < 0 || id >= Self.identifierLimit(count) {
            throw TokenizerError.identifierBeyondVocabulary(id, text: text, count: count)
        }
        tokens = [String](repeating: "", count: largest + 1)
        kinds = [TokenKind](repeating: .unused, count: largest + 1)
        for (text, id) in file.vocabulary {
            guard kinds[id] == .unused else {
                throw TokenizerError.duplicateIdentifier(id, first: tokens[id], second: text)
            }
            tokens[id] = text
            kinds[id] = file.hasByteFallback && PieceTable.byte(of: text) != nil ? .byte : .normal
        }
        for token in file.addedTokens {
            // Those that the model has too are there under the same id.
            guard kinds[token.id] == .unused || tokens[token.id] == token.text, added[token.text] == nil else {
                throw TokenizerError.duplicateIdentifier(token.id, first: tokens[token.id], second: token.text)
            }
            tokens[token.id] = token.text
            kinds[token.id] = token.isSpecial ? .control : .userDefined
            added[token.text] = Int32(token.id)
        }
    }

    /// - Throws: `TokenizerError.missingToken`.
    func id(_ text: String, role: String) throws -> Int32 {
        if let id = added[text] { return id }
        // Rarely asked for, and never in a loop.
        guard let id = tokens.firstIndex(where: { $0.utf8.elementsEqual(text.utf8) }), kinds[id] != .unused else {
            throw TokenizerError.missingToken(role: role, text: text)
        }
        return Int32(id)
    }

    /// The merges as `"a b"`.
    ///
    /// - Throws: `TokenizerError` for parts and results that are no tokens, and for pairs that are there twice.
    func checkedMerges(_ file: TokenizerFile) throws -> [String] {
        var known = SymbolTable(capacity: tokens.count)
        for (text, kind) in zip(tokens, kinds) {
            if kind == .unused { known.appendUnfindable([]) } else { known.append(Array(text.utf8)) }
        }
        var pairs = MergeTable(capacity: file.merges.count)
        return try file.merges.enumerated().map { index, pair in
            let text = "\(pair.left) \(pair.right)"
            func find(_ part: String) throws -> Int32 {
                guard let symbol = known.find(Array(part.utf8)) else {
                    throw TokenizerError.mergeOutsideVocabulary(index: index, text: text, missing: part)
                }
                return Int32(symbol)
            }
            _ = try find(pair.left + pair.right)
            guard pairs.append(try find(pair.left), try find(pair.right), rank: 0, result: 0) else {
                throw TokenizerError.duplicateMerge(index: index, text: text)
            }
            return text
        }
    }
}
