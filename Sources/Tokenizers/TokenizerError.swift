/// A vocabulary that cannot be used.
public enum TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    case unknownPreTokenizer(String, nearest: String?)
    case emptyVocabulary
    case tooManyTokens(count: Int, limit: Int)
    /// Kinds and tokens are parallel arrays.
    case kindCountDiffers(tokens: Int, kinds: Int)
    case unknownTokenKind(token: Int, kind: Int)
    case malformedMerge(index: Int, text: String)
    case tooManyMerges(count: Int, limit: Int)
    case tokenOutOfRange(role: String, id: Int, vocabularySize: Int)

    public var description: String {
        switch self {
        case .unknownPreTokenizer(let name, let nearest):
            "pre-tokenizer '\(name)' is unknown; expected one of \(PreTokenizer.names.joined(separator: ", "))"
                + (nearest.map { "; nearest is '\($0)'" } ?? "")
                + "\n  take a model of a supported family: a wrong split would give wrong tokens without a sign"
        case .emptyVocabulary: "the vocabulary has no tokens\n  the model file holds no tokenizer: take another"
        case .tooManyTokens(let count, let limit): "\(count) tokens; expected at most \(limit)"
        case .kindCountDiffers(let tokens, let kinds):
            "\(kinds) token kinds for \(tokens) tokens; expected one kind a token\n  convert the model again"
        case .unknownTokenKind(let token, let kind):
            "token \(token) is of kind \(kind); expected 1 (normal) to 6 (byte)\n  convert the model again"
        case .malformedMerge(let index, let text):
            "merge \(index) is '\(text)'; expected two parts in the byte alphabet, with one space between"
                + "\n  the file is damaged, or its vocabulary is not byte-level BPE"
        case .tooManyMerges(let count, let limit): "\(count) merges; expected at most \(limit)"
        case .tokenOutOfRange(let role, let id, let vocabularySize):
            "the \(role) token is \(id); expected 0 to \(vocabularySize - 1)\n  convert the model again"
        }
    }
}
