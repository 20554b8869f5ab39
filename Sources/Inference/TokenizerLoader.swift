import Foundation
import ModelFormats
import Tokenizers

/// Builds the tokenizer that a model's files describe.
public enum TokenizerLoader {
    private static let model = "tokenizer.ggml.model"

    /// - Throws: `MetadataError` for missing keys, `ModelError.unsupportedTokenizer` for a kind that is not
    ///   implemented, `TokenizerError` for a vocabulary that contradicts itself; of a folder, what ``load(folder:)``
    ///   throws.
    /// - Complexity: O(vocabulary).
    public static func load(_ source: ModelSource) throws -> any Tokenizer {
        switch source.format {
        case .gguf: try gguf(source)
        case .huggingFace: try load(folder: source.path)
        }
    }

    // MARK: - GGUF

    private static func gguf(_ source: ModelSource) throws -> any Tokenizer {
        switch try source.string(model) {
        case "gpt2": try byteLevel(source)
        case "llama": try sentencePiece(source)
        case let kind:
            throw ModelError.unsupportedTokenizer(
                path: source.path,
                key: model,
                name: kind,
                supported: ["gpt2", "llama"]
            )
        }
    }

    private static func byteLevel(_ source: ModelSource) throws -> any Tokenizer {
        let cuts = try preTokenizer(source)
        return try ByteLevelBPE(
            tokens: try source.strings("tokenizer.ggml.tokens"),
            merges: try source.strings("tokenizer.ggml.merges"),
            tokenTypes: try source.integersIfPresent("tokenizer.ggml.token_type") ?? [],
            preTokenizer: cuts.preTokenizer,
            keepsWholeWords: cuts.keepsWholeWords,
            // Having an id for it is not enough, but for Llama 3, whose first files did not say.
            beginToken: try token(source, "bos", isAdded: cuts.keepsWholeWords),
            finalToken: try token(source, "eos", isAdded: false),
            endTokens: try endTokens(source)
        )
    }

    /// Defaults are llama.cpp's: a begin token and a space before the text unless the file says otherwise.
    private static func sentencePiece(_ source: ModelSource) throws -> any Tokenizer {
        let removesSpaces = "tokenizer.ggml.remove_extra_whitespaces"
        guard try !(source.booleanIfPresent(removesSpaces) ?? false) else {
            throw ModelError.unsupportedFeature(
                path: source.path,
                key: removesSpaces,
                value: "true",
                expected: "a tokenizer that keeps spaces"
            )
        }
        let addsSpace = try source.booleanIfPresent("tokenizer.ggml.add_space_prefix") ?? true
        return try SentencePieceBPE(
            tokens: try source.strings("tokenizer.ggml.tokens"),
            tokenTypes: try source.integers("tokenizer.ggml.token_type"),
            order: .scores(try source.numbers("tokenizer.ggml.scores")),
            spacePrefix: SpacePrefix(addsSpace ? .everySegment : .never),
            beginToken: try token(source, "bos", isAdded: true),
            finalToken: try token(source, "eos", isAdded: false),
            unknownToken: try identifier(source, "tokenizer.ggml.unknown_token_id"),
            endTokens: try endTokens(source)
        )
    }

    /// The file's `tokenizer.ggml.pre`; GPT-2's own for files from before that key.
    private static func preTokenizer(_ source: ModelSource) throws -> (
        preTokenizer: PreTokenizer, keepsWholeWords: Bool
    ) {
        let key = "tokenizer.ggml.pre"
        guard let name = try source.stringIfPresent(key) else { return (.gpt2, false) }
        guard let found = try? PreTokenizer(name: name) else {
            throw ModelError.unsupportedTokenizer(
                path: source.path,
                key: key,
                name: name,
                supported: PreTokenizer.names
            )
        }
        return (found, PreTokenizer.keepsWholeWords(name: name))
    }

    /// The `bos` or `eos` token, if the model wants it around a text.
    private static func token(_ source: ModelSource, _ name: String, isAdded: Bool) throws -> Int32? {
        guard try source.booleanIfPresent("tokenizer.ggml.add_\(name)_token") ?? isAdded else { return nil }
        return try identifier(source, "tokenizer.ggml.\(name)_token_id")
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

    // MARK: - Folders of Hugging Face

    /// The tokenizer of a folder with `tokenizer.json` or `tokenizer.model`, of which the first goes before, and,
    /// if they are there, `tokenizer_config.json` and `generation_config.json`, or else `config.json`.
    ///
    /// - Throws: `MappedFileError` for files that cannot be read, `ModelError.unsupportedTokenizer` if there is no
    ///   tokenizer, `TokenizerError`, with the file's path, for one that cannot be used.
    /// - Complexity: O(bytes of the files).
    public static func load(folder: String) throws -> any Tokenizer {
        func path(_ name: String) -> String { URL(fileURLWithPath: folder).appending(path: name).path }
        func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
        func read<Result>(_ name: String, _ parse: ([UInt8]) throws -> Result) throws -> Result {
            let file = try MappedFile(path: path(name))
            do {
                return try parse(Array(file.bytes))
            } catch let error as TokenizerError {
                throw TokenizerError.inFile(path(name), error)
            }
        }
        var settings = TokenizerSettings()
        if exists("tokenizer_config.json") {
            settings = try read("tokenizer_config.json") { try TokenizerSettings(configuration: $0) }
        }
        // As transformers has it: without a file for generation the model's own counts.
        if let file = ["generation_config.json", "config.json"].first(where: exists) {
            settings.endTokens = try read(file) { try TokenizerSettings.endTokens($0, file: file) }
        }
        if exists("tokenizer.json") {
            return try read("tokenizer.json") { try HuggingFaceTokenizer.load($0, settings: settings) }
        }
        if exists("tokenizer.model") {
            return try read("tokenizer.model") { try SentencePieceModelFile($0).tokenizer(settings: settings) }
        }
        throw ModelError.unsupportedTokenizer(
            path: folder,
            key: "file",
            name: "none",
            supported: ["tokenizer.json", "tokenizer.model"]
        )
    }
}
