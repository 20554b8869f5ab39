import TensorCore

/// What a `tokenizer.json` of Hugging Face's `tokenizers` library says.
struct TokenizerFile {
    static let format = "tokenizer.json"

    /// Of a component; more are refused, so that a tree takes no multiple of its file.
    static let mostValues = 20_000

    struct AddedToken {
        var id = -1
        var text = ""
        /// Steers the model, against text of its own.
        var isSpecial = false
        /// White space around it that it takes in, or words it must not touch.
        var conditions: [String] = []
    }

    var addedTokens: [AddedToken] = []
    var normalizer = JSONValue.null
    var preTokenizer = JSONValue.null
    var postProcessor = JSONValue.null
    var decoder = JSONValue.null

    // MARK: - The model

    var modelType: String?
    var vocabulary: [(text: String, id: Int)] = []
    var merges: [(left: String, right: String)] = []
    var unknownText: String?
    var fusesUnknown = false
    var hasByteFallback = false
    var keepsWholeWords = false
    /// Settings that are neither absent nor null, nor known.
    var otherSettings: [String] = []

    /// - Throws: `TokenizerError.malformedFile`.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        try TokenizerError.reading(Self.format) { try read(JSONReader(bytes)) }
    }

    private mutating func read(_ start: JSONReader) throws {
        var reader = start, hasModel = false
        // A key that comes twice is told by what it names, of the vocabulary.
        try reader.members(.allowed) { reader, name, _ in
            switch name {
            case "added_tokens": try reader.elements { reader in try readAddedToken(&reader) }
            case "normalizer": normalizer = try reader.value(.allowed, atMost: Self.mostValues)
            case "pre_tokenizer": preTokenizer = try reader.value(.allowed, atMost: Self.mostValues)
            case "post_processor": postProcessor = try reader.value(.allowed, atMost: Self.mostValues)
            case "decoder": decoder = try reader.value(.allowed, atMost: Self.mostValues)
            case "model":
                hasModel = true
                try reader.members(.allowed) { reader, name, _ in try readModelSetting(&reader, name) }
            default: try reader.skip()
            }
        }
        try reader.finish()
        guard hasModel else { throw reader.failure("no 'model'") }
    }

    private mutating func readAddedToken(_ reader: inout JSONReader) throws {
        let start = reader.offset
        var token = AddedToken()
        try reader.members(.allowed) { reader, name, _ in
            switch name {
            case "id": token.id = try reader.integer()
            case "content": token.text = try reader.string()
            case "special": token.isSpecial = try reader.boolean()
            case "lstrip", "rstrip", "single_word":
                if try reader.boolean() { token.conditions.append(name) }
            default: try reader.skip()
            }
        }
        guard token.id >= 0, !token.text.isEmpty else {
            throw reader.failure("an added token without a text or an id", at: start)
        }
        addedTokens.append(token)
    }

    private mutating func readModelSetting(_ reader: inout JSONReader, _ name: String) throws {
        switch name {
        case "type": modelType = try reader.stringIfPresent()
        case "vocab":
            // Other kinds of model have a list here; what they are is told by their type.
            guard try reader.peek() == .object else { return try reader.skip() }
            try reader.members(.allowed) { reader, text, _ in vocabulary.append((text, try reader.integer())) }
        case "merges": try reader.elements { reader in try readMerge(&reader) }
        case "unk_token": unknownText = try reader.stringIfPresent()
        case "fuse_unk": fusesUnknown = try reader.boolean()
        case "byte_fallback": hasByteFallback = try reader.boolean()
        case "ignore_merges": keepsWholeWords = try reader.boolean()
        default:
            switch try reader.peek() {
            case .null: try reader.null()
            case .string: if try !reader.string().isEmpty { otherSettings.append(name) }
            case .number: if try reader.number() != 0 { otherSettings.append(name) }
            case .boolean, .object, .array:
                try reader.skip()
                otherSettings.append(name)
            }
        }
    }

    /// A merge: `"a b"`, or, in files of 2024 and after, `["a", "b"]`.
    private mutating func readMerge(_ reader: inout JSONReader) throws {
        let start = reader.offset
        if try reader.peek() == .string {
            let text = try reader.string()
            guard let space = text.firstIndex(of: " "), space > text.startIndex,
                case let right = text[text.index(after: space)...], !right.isEmpty, !right.contains(" ")
            else { throw reader.failure("merge \(merges.count) is '\(text.prefix(40))', not two parts", at: start) }
            merges.append((String(text[..<space]), String(right)))
        } else {
            var parts: [String] = []
            try reader.elements { reader in
                parts.append(try reader.string())
                guard parts.count <= 2 else { throw reader.failure("merge \(merges.count) has more than two parts") }
            }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw reader.failure("merge \(merges.count) has not two parts", at: start)
            }
            merges.append((parts[0], parts[1]))
        }
    }

    // MARK: - Components

    /// The members of a `Sequence`, flat; a component alone; nothing for `null`.
    static func components(_ value: JSONValue, members: String) -> [JSONValue] {
        guard value != .null else { return [] }
        guard value["type"]?.string == "Sequence" else { return [value] }
        return (value[members]?.elements ?? []).flatMap { components($0, members: members) }
    }
}

extension JSONValue {
    /// The type of a component, with its settings where they matter for the reader of an error.
    var componentName: String {
        guard let type = self["type"]?.string else { return "without a type" }
        if let pattern = self["pattern"]?["Regex"]?.string ?? self["pattern"]?["String"]?.string {
            return "\(type) by '\(pattern)'"
        }
        return type
    }
}
