import TensorCore

/// What a model's other files say about its tokenizer; `nil` leaves it to the tokenizer's own file.
public struct TokenizerSettings: Sendable, Equatable {
    /// Whether the model wants `beginText` in front of a text.
    public var addsBegin: Bool?
    public var beginText: String?
    /// Whether the model wants `endText` behind a text.
    public var addsEnd: Bool?
    /// Also ends generation.
    public var endText: String?
    /// At which generation stops, besides.
    public var endTokens: Set<Int32> = []

    public init() {}

    /// What `tokenizer_config.json` says.
    ///
    /// - Throws: `TokenizerError.malformedFile`.
    public init(configuration: [UInt8]) throws {
        // Only these are held: of some models the file lists thousands of tokens.
        let names: Set = ["add_bos_token", "add_eos_token", "bos_token", "eos_token"]
        let value = try Self.members(names, of: configuration, file: "tokenizer_config.json")
        // A token is a string, or an object with its text and how it is matched.
        func token(_ name: String) -> String? { value[name]?.string ?? value[name]?["content"]?.string }
        addsBegin = value["add_bos_token"]?.boolean
        addsEnd = value["add_eos_token"]?.boolean
        beginText = token("bos_token")
        endText = token("eos_token")
    }

    /// Those members of an object that have one of the names; the others are only checked to be JSON.
    private static func members(
        _ names: Set<String>,
        of text: [UInt8],
        file: String
    ) throws -> [String: JSONValue] {
        try TokenizerError.reading(file) {
            try text.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes), found: [String: JSONValue] = [:]
                try reader.members(.allowed) { reader, name, _ in
                    guard names.contains(name) else { return try reader.skip() }
                    found[name] = try reader.value(.allowed, atMost: TokenizerFile.mostValues)
                }
                try reader.finish()
                return found
            }
        }
    }

    /// The ids at which generation stops, of a `generation_config.json` or, where there is none, a `config.json`.
    ///
    /// - Parameter file: its name, for errors.
    /// - Throws: `TokenizerError.malformedFile`.
    public static func endTokens(
        _ configuration: [UInt8],
        file: String = "generation_config.json"
    ) throws -> Set<Int32> {
        let value = try members(["eos_token_id"], of: configuration, file: file)["eos_token_id"] ?? .null
        let numbers = value.elements ?? (value == .null ? [] : [value])
        return Set(
            try numbers.map { number in
                guard let id = number.integer.flatMap({ Int32(exactly: $0) }) else {
                    throw TokenizerError.malformedFile(
                        format: file,
                        offset: 0,
                        problem: "'eos_token_id' is not a token id"
                    )
                }
                return id
            }
        )
    }
}
