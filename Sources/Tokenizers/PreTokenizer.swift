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

    /// Other names under which model files ask for the same cuts. Source: llama.cpp's `llm_tokenizer_bpe`.
    private static let aliases: [String: PreTokenizer] = [
        "gpt-2": .gpt2, "mpt": .gpt2, "olmo": .gpt2, "jais": .gpt2, "phi-2": .gpt2,
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
