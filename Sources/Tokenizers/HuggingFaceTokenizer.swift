import TensorCore

/// Makes tokenizers from `tokenizer.json`, the format of Hugging Face's `tokenizers` library.
///
/// The format names components that are combined freely; those that the supported families use are recognized, and
/// any other is refused by its name, since to leave it out would change tokens without a sign.
public enum HuggingFaceTokenizer {
    /// - Parameter settings: what the model's other files say.
    /// - Throws: `TokenizerError`.
    /// - Complexity: O(bytes).
    public static func load(
        _ bytes: [UInt8],
        settings: TokenizerSettings = TokenizerSettings()
    ) throws -> any Tokenizer {
        let file = try bytes.withUnsafeBytes { try TokenizerFile($0) }
        guard file.modelType == "BPE" || file.modelType == nil && !file.merges.isEmpty else {
            throw unsupported("model", file.modelType ?? "without a type", "BPE")
        }
        for setting in file.otherSettings {
            throw unsupported("model setting", setting, "none that drops or marks parts of words")
        }
        for token in file.addedTokens where !token.conditions.isEmpty {
            throw unsupported(
                "added token",
                "\(token.text) with \(token.conditions.joined(separator: ", "))",
                "tokens that match wherever they stand"
            )
        }
        let vocabulary = try HuggingFaceVocabulary(file)
        let preTokenizers = TokenizerFile.components(file.preTokenizer, members: "pretokenizers")
        let (begin, final) = try boundaries(file, vocabulary, settings)
        var ends = settings.endTokens
        if let id = try settings.endText.map({ try vocabulary.id($0, role: "end-of-text") }) { ends.insert(id) }
        let unknown = try file.unknownText.map { try vocabulary.id($0, role: "unknown") }

        if preTokenizers.contains(where: { $0["type"]?.string == "ByteLevel" }) {
            try checkDecoder(file, allowed: ["ByteLevel"])
            return try ByteLevelBPE(
                tokens: vocabulary.tokens,
                merges: try vocabulary.checkedMerges(file),
                tokenTypes: vocabulary.kinds.map { $0.rawValue },
                preTokenizer: try PreTokenizer(components: preTokenizers),
                keepsWholeWords: file.keepsWholeWords,
                composesCharacters: try composesCharacters(file),
                beginToken: begin,
                finalToken: final,
                unknownToken: unknown,
                endTokens: ends
            )
        }
        try checkDecoder(file, allowed: ["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"])
        let spaces = try spaceRules(file, preTokenizers)
        return try SentencePieceBPE(
            tokens: vocabulary.tokens,
            tokenTypes: vocabulary.kinds.map { $0.rawValue },
            order: .list(file.merges),
            spacePrefix: spaces.prefix,
            cutsAtSpaces: spaces.cuts,
            beginToken: begin,
            finalToken: final,
            unknownToken: unknown,
            fusesUnknown: file.fusesUnknown,
            endTokens: ends
        )
    }

    static func unsupported(_ place: String, _ name: String, _ expected: String) -> TokenizerError {
        .unsupportedComponent(place: "tokenizer.json: \(place)", name: name, expected: expected)
    }

    private static func checkDecoder(_ file: TokenizerFile, allowed: Set<String>) throws {
        for decoder in TokenizerFile.components(file.decoder, members: "decoders") {
            guard let type = decoder["type"]?.string, allowed.contains(type) else {
                throw unsupported("decoder", decoder.componentName, allowed.sorted().joined(separator: ", "))
            }
        }
    }

    // MARK: - Normalizers

    private static func composesCharacters(_ file: TokenizerFile) throws -> Bool {
        let normalizers = TokenizerFile.components(file.normalizer, members: "normalizers")
        for normalizer in normalizers where normalizer["type"]?.string != "NFC" {
            throw unsupported("normalizer", normalizer.componentName, "NFC, or none, with a ByteLevel pre-tokenizer")
        }
        return !normalizers.isEmpty
    }

    /// How spaces become `▁`: by `Prepend` and `Replace`, or by `Metaspace`.
    private static func spaceRules(
        _ file: TokenizerFile,
        _ preTokenizers: [JSONValue]
    ) throws -> (prefix: SpacePrefix, cuts: Bool) {
        var prefix = SpacePrefix(.never)
        var cuts = false
        var hasMarks = false
        for normalizer in TokenizerFile.components(file.normalizer, members: "normalizers") {
            switch normalizer["type"]?.string {
            case "Prepend" where normalizer["prepend"]?.string == "▁": prefix = SpacePrefix(.everySegment)
            case "Replace"
            where normalizer["pattern"]?["String"]?.string == " " && normalizer["content"]?.string == "▁":
                hasMarks = true
            default:
                throw unsupported("normalizer", normalizer.componentName, "Prepend of '▁', Replace of ' ' by '▁'")
            }
        }
        for component in preTokenizers {
            switch component["type"]?.string {
            case "Metaspace" where component["replacement"]?.string == "▁":
                hasMarks = true
                // Before 2023 there was one flag; splitting is the default.
                cuts = component["split"]?.boolean ?? true
                let isBare = component["add_prefix_space"]?.boolean == false
                switch component["prepend_scheme"]?.string ?? (isBare ? "never" : "always") {
                case "never": break
                case "first": prefix = SpacePrefix(.beginning, onlyIfMissing: true)
                case "always": prefix = SpacePrefix(.everySegment, onlyIfMissing: true)
                case let scheme: throw unsupported("prepend_scheme", scheme, "never, first or always")
                }
            // Gemma's, which finds nothing: its normalizer has left no spaces.
            case "Split" where hasMarks && component["pattern"]?["String"]?.string == " ": break
            default: throw unsupported("pre-tokenizer", component.componentName, "ByteLevel or Metaspace")
            }
        }
        guard hasMarks else { throw unsupported("pre-tokenizer", "none", "ByteLevel or Metaspace, or a normalizer") }
        return (prefix, cuts)
    }

    // MARK: - Tokens around a text

    private static func boundaries(
        _ file: TokenizerFile,
        _ vocabulary: HuggingFaceVocabulary,
        _ settings: TokenizerSettings
    ) throws -> (begin: Int32?, final: Int32?) {
        var (before, after): ([String], [String]) = ([], [])
        for processor in TokenizerFile.components(file.postProcessor, members: "processors") {
            switch processor["type"]?.string {
            case "ByteLevel": continue
            case "TemplateProcessing":
                var isBehind = false
                for part in processor["single"]?.elements ?? [] {
                    if part["Sequence"] ?? .null != .null {
                        isBehind = true
                    } else if let text = part["SpecialToken"]?["id"]?.string {
                        if isBehind { after.append(text) } else { before.append(text) }
                    }
                }
            default: throw unsupported("post-processor", processor.componentName, "ByteLevel, TemplateProcessing")
            }
        }
        guard before.count <= 1, after.count <= 1 else {
            throw unsupported("post-processor", "TemplateProcessing", "at most one token on each side of the text")
        }
        let begin =
            switch settings.addsBegin {
            case true: settings.beginText ?? before.first
            case false: String?.none
            default: before.first
            }
        let final =
            switch settings.addsEnd {
            case true: settings.endText ?? after.first
            case false: String?.none
            default: after.first
            }
        return (
            try begin.map { try vocabulary.id($0, role: "begin-of-text") },
            try final.map { try vocabulary.id($0, role: "final") }
        )
    }
}
