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
        let value = try JSONValue(configuration, format: "tokenizer_config.json")
        // A token is a string, or an object with its text and how it is matched.
        func token(_ name: String) -> String? { value[name].text ?? value[name]["content"].text }
        addsBegin = value["add_bos_token"].flag
        addsEnd = value["add_eos_token"].flag
        beginText = token("bos_token")
        endText = token("eos_token")
    }

    /// The ids at which generation stops, of a `generation_config.json` or, where there is none, a `config.json`.
    ///
    /// - Parameter file: its name, for errors.
    /// - Throws: `TokenizerError.malformedFile`.
    public static func endTokens(
        _ configuration: [UInt8],
        file: String = "generation_config.json"
    ) throws -> Set<Int32> {
        let value = try JSONValue(configuration, format: file)["eos_token_id"]
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
