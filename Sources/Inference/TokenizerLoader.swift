import ModelFormats
import Tokenizers

/// Builds the tokenizer that a model file describes.
public enum TokenizerLoader {
    private static let model = "tokenizer.ggml.model"

    /// - Throws: `GGUFError` for missing keys, `ModelError.unsupportedTokenizer` for a kind that is not
    ///   implemented, `TokenizerError` for a vocabulary that contradicts itself.
    /// - Complexity: O(vocabulary).
    public static func load(_ file: GGUFFile) throws -> any Tokenizer {
        let kind = try file.string(model)
        guard kind == "gpt2" else {
            throw ModelError.unsupportedTokenizer(path: file.file.path, key: model, name: kind, supported: ["gpt2"])
        }
        return try ByteLevelBPE(
            tokens: try file.strings("tokenizer.ggml.tokens"),
            merges: try file.strings("tokenizer.ggml.merges"),
            tokenTypes: try file.integersIfPresent("tokenizer.ggml.token_type") ?? [],
            preTokenizer: try preTokenizer(file),
            beginToken: try beginToken(file),
            endTokens: try endTokens(file)
        )
    }

    /// The file's `tokenizer.ggml.pre`; GPT-2's own for files from before that key.
    private static func preTokenizer(_ file: GGUFFile) throws -> PreTokenizer {
        let key = "tokenizer.ggml.pre"
        guard let name = try file.stringIfPresent(key) else { return .gpt2 }
        guard let found = try? PreTokenizer(name: name) else {
            throw ModelError.unsupportedTokenizer(
                path: file.file.path,
                key: key,
                name: name,
                supported: PreTokenizer.names
            )
        }
        return found
    }

    /// Byte-level models want a first token only if their file says so; having an id for it is not enough.
    private static func beginToken(_ file: GGUFFile) throws -> Int32? {
        guard try file.booleanIfPresent("tokenizer.ggml.add_bos_token") ?? false else { return nil }
        return try identifier(file, "tokenizer.ggml.bos_token_id")
    }

    private static func endTokens(_ file: GGUFFile) throws -> Set<Int32> {
        let keys = ["eos_token_id", "eot_token_id", "eom_token_id"].map { "tokenizer.ggml.\($0)" }
        return Set(try keys.compactMap { try identifier(file, $0) })
    }

    private static func identifier(_ file: GGUFFile, _ key: String) throws -> Int32? {
        guard let value = try file.integerIfPresent(key) else { return nil }
        guard let id = Int32(exactly: value), id >= 0 else {
            throw ModelError.invalidConfiguration(
                path: file.file.path,
                key: key,
                value: "\(value)",
                expected: "a token id"
            )
        }
        return id
    }
}
