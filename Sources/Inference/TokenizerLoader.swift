import ModelFormats
import Tokenizers

/// Builds the tokenizer that a model file describes.
public enum TokenizerLoader {
    private static let model = "tokenizer.ggml.model"

    /// - Throws: `MetadataError` for missing keys, `ModelError.unsupportedTokenizer` for a kind that is not
    ///   implemented, `TokenizerError` for a vocabulary that contradicts itself.
    /// - Complexity: O(vocabulary).
    public static func load(_ source: ModelSource) throws -> any Tokenizer {
        let kind = try source.string(model)
        guard kind == "gpt2" else {
            throw ModelError.unsupportedTokenizer(path: source.path, key: model, name: kind, supported: ["gpt2"])
        }
        return try ByteLevelBPE(
            tokens: try source.strings("tokenizer.ggml.tokens"),
            merges: try source.strings("tokenizer.ggml.merges"),
            tokenTypes: try source.integersIfPresent("tokenizer.ggml.token_type") ?? [],
            preTokenizer: try preTokenizer(source),
            beginToken: try beginToken(source),
            endTokens: try endTokens(source)
        )
    }

    /// The file's `tokenizer.ggml.pre`; GPT-2's own for files from before that key.
    private static func preTokenizer(_ source: ModelSource) throws -> PreTokenizer {
        let key = "tokenizer.ggml.pre"
        guard let name = try source.stringIfPresent(key) else { return .gpt2 }
        guard let found = try? PreTokenizer(name: name) else {
            throw ModelError.unsupportedTokenizer(
                path: source.path,
                key: key,
                name: name,
                supported: PreTokenizer.names
            )
        }
        return found
    }

    /// Byte-level models want a first token only if their file says so; having an id for it is not enough.
    private static func beginToken(_ source: ModelSource) throws -> Int32? {
        guard try source.booleanIfPresent("tokenizer.ggml.add_bos_token") ?? false else { return nil }
        return try identifier(source, "tokenizer.ggml.bos_token_id")
    }

    private static func endTokens(_ source: ModelSource) throws -> Set<Int32> {
        let keys = ["eos_token_id", "eot_token_id", "eom_token_id"].map { "tokenizer.ggml.\($0)" }
        return Set(try keys.compactMap { try identifier(source, $0) })
    }

    private static func identifier(_ source: ModelSource, _ key: String) throws -> Int32? {
        guard let value = try source.integerIfPresent(key) else { return nil }
        guard let id = Int32(exactly: value), id >= 0 else {
            throw ModelError.invalidConfiguration(
                path: source.path,
                key: key,
                value: "\(value)",
                expected: "a token id"
            )
        }
        return id
    }
}
