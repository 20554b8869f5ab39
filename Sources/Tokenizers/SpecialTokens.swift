/// What all kinds of vocabulary check and prepare alike.
enum SpecialTokens {
    /// Ids and steps between merges together must fit 32 bits.
    private static let tokenLimit = 1 << 28

    /// - Parameter roles: the tokens with a task, by its name.
    /// - Throws: `TokenizerError` if there are no tokens, too many, or a role's is not among them.
    static func check(_ count: Int, _ roles: [(role: String, id: Int32?)], ends: Set<Int32>) throws {
        guard count > 0 else { throw TokenizerError.emptyVocabulary }
        guard count <= tokenLimit else { throw TokenizerError.tooManyTokens(count: count, limit: tokenLimit) }
        for (role, id) in roles + ends.sorted().map({ ("end-of-text", $0) }) {
            if let id, id < 0 || id >= count {
                throw TokenizerError.tokenOutOfRange(role: role, id: Int(id), vocabularySize: count)
            }
        }
    }

    /// Finders of user-defined tokens, and of all special ones.
    static func matchers(
        _ tokens: [String],
        _ kinds: [TokenKind],
        readsMarksAsSpaces: Bool = false
    ) throws -> (userDefined: SpecialTokenMatcher, special: SpecialTokenMatcher) {
        var special: [(id: Int32, bytes: [UInt8])] = []
        for (id, (text, kind)) in zip(tokens, kinds).enumerated() where kind.isSpecial {
            guard text.utf8.count <= SpecialTokenMatcher.longestText else {
                throw TokenizerError.tokenTooLong(
                    id: id,
                    bytes: text.utf8.count,
                    limit: SpecialTokenMatcher.longestText
                )
            }
            special.append((Int32(id), Array(text.utf8)))
        }
        let userDefined = special.filter { kinds[Int($0.id)] == .userDefined }
        return (
            SpecialTokenMatcher(userDefined, readsMarksAsSpaces: readsMarksAsSpaces),
            SpecialTokenMatcher(special, readsMarksAsSpaces: readsMarksAsSpaces)
        )
    }
}
