/// What a `tokenizer.json` of Hugging Face's `tokenizers` library says.
struct TokenizerFile {
    static let format = "tokenizer.json"

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
    init(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        var reader = JSONReader(bytes, format: Self.format)
        var hasModel = false
        try reader.readObject { reader, name in
            switch name {
            case "added_tokens": try reader.readArray { reader in try readAddedToken(&reader) }
            case "normalizer": normalizer = try JSONValue(&reader)
            case "pre_tokenizer": preTokenizer = try JSONValue(&reader)
            case "post_processor": postProcessor = try JSONValue(&reader)
            case "decoder": decoder = try JSONValue(&reader)
            case "model":
                hasModel = true
                try reader.readObject { reader, name in try readModelSetting(&reader, name) }
            default: try reader.skip()
            }
        }
        try reader.readEnd()
        guard hasModel else { throw reader.error("no 'model'") }
    }

    private mutating func readAddedToken(_ reader: inout JSONReader) throws {
        let start = reader.position
        var token = AddedToken()
        try reader.readObject { reader, name in
            switch name {
            case "id": token.id = try reader.readInteger()
            case "content": token.text = try reader.readString()
            case "special": token.isSpecial = try reader.readBoolean()
            case "lstrip", "rstrip", "single_word":
                if try reader.readBoolean() { token.conditions.append(name) }
            default: try reader.skip()
            }
        }
        guard token.id >= 0, !token.text.isEmpty else {
            throw reader.error("an added token without a text or an id", at: start)
        }
        addedTokens.append(token)
    }

    private mutating func readModelSetting(_ reader: inout JSONReader, _ name: String) throws {
        switch name {
        case "type": modelType = try reader.readStringIfPresent()
        case "vocab":
            // Other kinds of model have a list here; what they are is told by their type.
            guard try reader.peek() == .object else { return try reader.skip() }
            try reader.readObject { reader, text in vocabulary.append((text, try reader.readInteger())) }
        case "merges": try reader.readArray { reader in try readMerge(&reader) }
        case "unk_token": unknownText = try reader.readStringIfPresent()
        case "fuse_unk": fusesUnknown = try reader.readBoolean()
        case "byte_fallback": hasByteFallback = try reader.readBoolean()
        case "ignore_merges": keepsWholeWords = try reader.readBoolean()
        default:
            switch try reader.peek() {
            case .null: try reader.readNull()
            case .string: if try !reader.readString().isEmpty { otherSettings.append(name) }
            case .number: if try reader.readNumber() != 0 { otherSettings.append(name) }
            case .boolean, .object, .array:
                try reader.skip()
                otherSettings.append(name)
            }
        }
    }

    /// A merge: `"a b"`, or, in files of 2024 and after, `["a", "b"]`.
    private mutating func readMerge(_ reader: inout JSONReader) throws {
        let start = reader.position
        if try reader.peek() == .string {
            let text = try reader.readString()
            guard let space = text.firstIndex(of: " "), space > text.startIndex,
                case let right = text[text.index(after: space)...], !right.isEmpty, !right.contains(" ")
            else { throw reader.error("merge \(merges.count) is '\(text.prefix(40))', not two parts", at: start) }
            merges.append((String(text[..<space]), String(right)))
        } else {
            var parts: [String] = []
            try reader.readArray { reader in
                parts.append(try reader.readString())
                guard parts.count <= 2 else { throw reader.error("merge \(merges.count) has more than two parts") }
            }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw reader.error("merge \(merges.count) has not two parts", at: start)
            }
            merges.append((parts[0], parts[1]))
        }
    }

    // MARK: - Components

    /// The members of a `Sequence`, flat; a component alone; nothing for `null`.
    static func components(_ value: JSONValue, members: String) -> [JSONValue] {
        guard value != .null else { return [] }
        guard value["type"].text == "Sequence" else { return [value] }
        return (value[members].elements ?? []).flatMap { components($0, members: members) }
    }
}

extension JSONValue {
    /// The type of a component, with its settings where they matter for the reader of an error.
    var componentName: String {
        guard let type = self["type"].text else { return "without a type" }
        if let pattern = self["pattern"]["Regex"].text ?? self["pattern"]["String"].text {
            return "\(type) by '\(pattern)'"
        }
        return type
    }
}
