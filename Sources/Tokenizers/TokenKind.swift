/// What a token is for. Numbers as in GGUF's `tokenizer.ggml.token_type`.
public enum TokenKind: Int, Sendable {
    case normal = 1
    case unknown
    /// Steers the model; parsed from text only on demand.
    case control
    /// Added by a user of the tokenizer; always matched before anything else.
    case userDefined
    case unused
    case byte

    /// Whether its text is plain, not in the byte alphabet, and matched whole.
    var isSpecial: Bool { self == .unknown || self == .control || self == .userDefined }
}

extension TokenKind {
    /// Texts of control tokens that end a turn or a document. Source: llama.cpp's end-of-generation list.
    private static let endTexts: Set<String> = [
        "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|end_of_text|>",
        "</s>", "<EOT>", "<|EOT|>", "<eos>",
    ]

    static func knownEnds(_ tokens: [String], _ kinds: [TokenKind]) -> [Int32] {
        zip(tokens, kinds).enumerated()
            .filter { $1.1 == .control && endTexts.contains($1.0) }
            .map { Int32($0.offset) }
    }

    /// Kinds by id from GGUF's numbers; none stand for all normal.
    static func kinds(_ numbers: [Int], count: Int) throws -> [TokenKind] {
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
}
