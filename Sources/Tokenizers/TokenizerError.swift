import TensorCore

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
    /// Two ids with one text, of which one could never be made.
    case duplicateToken(text: String, first: Int, second: Int)
    case tokenTooLong(id: Int, bytes: Int, limit: Int)
    /// Scores and tokens are parallel arrays.
    case scoreCountDiffers(tokens: Int, scores: Int)
    case invalidScore(token: Int, score: Double)
    /// Byte fallback wants all 256 bytes, each once, or none.
    case malformedByteTokens(String)
    case duplicateMerge(index: Int, text: String)
    case mergeOutsideVocabulary(index: Int, text: String, missing: String)
    case duplicateIdentifier(Int, first: String, second: String)
    case identifierBeyondVocabulary(Int, text: String, count: Int)
    case missingToken(role: String, text: String)
    /// A part of a tokenizer's definition that would change its tokens and is not implemented.
    case unsupportedComponent(place: String, name: String, expected: String)
    case malformedFile(format: String, offset: Int, problem: String)
    indirect case inFile(String, TokenizerError)
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
        case .duplicateToken(let text, let first, let second):
            "tokens \(first) and \(second) are both '\(text.prefix(40))'; expected each text once"
                + "\n  convert the model again"
        case .tokenTooLong(let id, let bytes, let limit):
            "token \(id) takes \(bytes) bytes; expected at most \(limit)\n  the file is damaged: fetch it again"
        case .scoreCountDiffers(let tokens, let scores):
            "\(scores) scores for \(tokens) tokens; expected one score a token\n  convert the model again"
        case .invalidScore(let token, let score):
            "the score of token \(token) is \(score); expected a finite number\n  convert the model again"
        case .malformedByteTokens(let problem):
            "\(problem); expected one token for each of the bytes <0x00> to <0xFF>, or for none"
                + "\n  convert the model again"
        case .duplicateMerge(let index, let text): "merge \(index), '\(text.prefix(40))', is there twice"
        case .mergeOutsideVocabulary(let index, let text, let missing):
            "merge \(index) is '\(text.prefix(40))', but the vocabulary has no '\(missing.prefix(40))'"
                + "\n  the file is damaged, or its parts are from two models"
        case .duplicateIdentifier(let id, let first, let second):
            "token \(id) is both '\(first.prefix(40))' and '\(second.prefix(40))'; expected one text an id"
        case .identifierBeyondVocabulary(let id, let text, let count):
            "'\(text.prefix(40))' has the id \(id) in a vocabulary of \(count) tokens; expected ids without large gaps"
        case .missingToken(let role, let text): "the \(role) token '\(text.prefix(40))' is not in the vocabulary"
        case .unsupportedComponent(let place, let name, let expected):
            "\(place) '\(name.prefix(200))' is not supported; expected \(expected)"
                + "\n  leaving it out would give wrong tokens without a sign: take a model of a supported family"
        case .malformedFile(let format, let offset, let problem):
            "\(format): \(problem), at byte \(offset)\n  the file is damaged: fetch it again"
        case .inFile(let path, let error): "\(path): \(error)"
        case .tokenOutOfRange(let role, let id, let vocabularySize):
            "the \(role) token is \(id); expected 0 to \(vocabularySize - 1)\n  convert the model again"
        }
    }
}

extension TokenizerError {
    /// Calls `body`, and makes of what it finds wrong in JSON an error of this format.
    static func reading<Result>(_ format: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as JSONReader.Failure {
            throw TokenizerError.malformedFile(format: format, offset: failure.offset, problem: failure.problem)
        }
    }
}
