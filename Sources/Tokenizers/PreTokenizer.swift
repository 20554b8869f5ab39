/// How a text is cut into words before byte pairs are merged; merges never cross a cut.
///
/// Each is defined by regular expressions in the model's own tokenizer; here
/// they are scanners by hand (`WordScanner`), which a test compares with the
/// definition. Named as llama.cpp's converter names them.
public enum PreTokenizer: String, Sendable, CaseIterable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// First every `\p{N}` alone, then `gpt2` in what lies between.
    case smollm
    /// `'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}`
    /// `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case qwen2
    /// `qwen2` with `\p{N}{1,3}` for `\p{N}`.
    case llama3
    /// Runs of punctuation apart, `gpt2` in each part, then runs of digits apart, three by three.
    /// Falcon's own; llama.cpp leaves a space before digits with them, which this vocabulary never learned.
    case falcon

    /// Other names under which model files ask for the same cuts. Source: llama.cpp's `llm_tokenizer_bpe`.
    private static let aliases: [String: PreTokenizer] = [
        "gpt-2": .gpt2, "mpt": .gpt2, "olmo": .gpt2, "jais": .gpt2, "phi-2": .gpt2,
        "llama-bpe": .llama3, "llama-v3": .llama3, "falcon3": .llama3, "dbrx": .llama3, "smaug-bpe": .llama3,
        "starcoder": .smollm, "refact": .smollm, "command-r": .smollm, "codeshell": .smollm, "exaone": .smollm,
        "stablelm2": .qwen2, "hunyuan": .qwen2, "deepseek-r1-qwen": .qwen2,
    ]

    /// All names that `init(name:)` accepts.
    public static var names: [String] { allCases.map(\.rawValue) + aliases.keys.sorted() }

    /// - Throws: `TokenizerError.unknownPreTokenizer` with the nearest name.
    public init(name: String) throws {
        guard let found = PreTokenizer(rawValue: name) ?? Self.aliases[name] else {
            throw TokenizerError.unknownPreTokenizer(name, nearest: Self.nearest(to: name))
        }
        self = found
    }

    /// Whether a word that is a token as a whole is not merged from its bytes. Of the family, not of the cuts: Llama 3
    /// and Falcon 3 have it, though model files in GGUF do not say so.
    public static func keepsWholeWords(name: String) -> Bool {
        ["llama3", "llama-bpe", "llama-v3", "falcon3"].contains(name)
    }

    /// The places of the words in `bytes`: non-empty, in order, covering all of it.
    ///
    /// - Complexity: O(bytes).
    public func words(in bytes: [UInt8]) -> [Range<Int>] {
        bytes.withUnsafeBufferPointer { text in
            var scanner = WordScanner(text, range: 0..<text.count, preTokenizer: self)
            var words: [Range<Int>] = []
            while let word = scanner.next() { words.append(word) }
            return words
        }
    }

    /// The accepted name that shares the longest beginning; this module imports none that could measure better.
    private static func nearest(to name: String) -> String? {
        func shared(_ other: String) -> Int { zip(other, name.lowercased()).prefix { $0 == $1 }.count }
        guard let best = names.max(by: { shared($0) < shared($1) }), shared(best) >= 2 else { return nil }
        return best
    }
}
