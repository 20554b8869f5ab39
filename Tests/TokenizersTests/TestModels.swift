import Foundation
import ModelFormats
import Tokenizers

/// Files that tests read: fixtures of this checkout, and models that may be there or not.
enum TestModels {
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let smollm2 = path("SmolLM2-135M-Instruct.Q4_1.gguf")
    static let qwen2 = path("qwen2.5-coder-0.5b.gguf")
    static let gemma = path("gemma-3-270m-q4_k_m.gguf")

    static func path(_ name: String) -> String {
        let folder = ProcessInfo.processInfo.environment["KVATLAS_MODELS"]
        return (folder.map { URL(fileURLWithPath: $0) } ?? repository.appending(path: "data/models"))
            .appending(path: name).path
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The same glue as the inference engine's, kept short.
    static func tokenizer(_ path: String) throws -> ByteLevelBPE {
        let file = try GGUFFile(path: path)
        return try ByteLevelBPE(
            tokens: file.strings("tokenizer.ggml.tokens"),
            merges: file.strings("tokenizer.ggml.merges"),
            tokenTypes: file.integers("tokenizer.ggml.token_type"),
            preTokenizer: PreTokenizer(name: file.string("tokenizer.ggml.pre")),
            endTokens: [Int32(file.integer("tokenizer.ggml.eos_token_id"))]
        )
    }
}

extension TestModels {
    static let references = repository.appending(path: "Tests/Fixtures/tokenizers/references")

    static func bytes(_ file: URL) throws -> [UInt8] { Array(try Data(contentsOf: file)) }

    /// A tokenizer from any of the formats, told by the file's ending.
    static func load(_ file: URL) throws -> any Tokenizer {
        switch file.pathExtension {
        case "json": return try HuggingFaceTokenizer.load(bytes(file))
        case "model": return try SentencePieceModelFile(bytes(file)).tokenizer()
        default: break
        }
        let file = try GGUFFile(path: file.path)
        let tokens = try file.strings("tokenizer.ggml.tokens")
        let kinds = try file.integersIfPresent("tokenizer.ggml.token_type") ?? []
        if try file.string("tokenizer.ggml.model") == "gpt2" {
            let name = try file.stringIfPresent("tokenizer.ggml.pre") ?? "gpt2"
            return try ByteLevelBPE(
                tokens: tokens,
                merges: file.strings("tokenizer.ggml.merges"),
                tokenTypes: kinds,
                preTokenizer: PreTokenizer(name: name),
                keepsWholeWords: PreTokenizer.keepsWholeWords(name: name)
            )
        }
        let addsSpace = try file.booleanIfPresent("tokenizer.ggml.add_space_prefix") ?? true
        return try SentencePieceBPE(
            tokens: tokens,
            tokenTypes: kinds,
            order: .scores(file.numbers("tokenizer.ggml.scores")),
            spacePrefix: SpacePrefix(addsSpace ? .everySegment : .never)
        )
    }
}

/// Token ids of llama.cpp, as `Tests/Fixtures/tokenizers/make_golden.py` wrote them.
struct Golden: Decodable {
    struct Case: Decodable {
        let name: String
        let utf8: String
        let ids: [Int32]
        let idsWithSpecial: [Int32]

        var bytes: [UInt8] {
            var digits = utf8[...]
            var bytes: [UInt8] = []
            while let byte = UInt8(digits.prefix(2), radix: 16) {
                bytes.append(byte)
                digits = digits.dropFirst(2)
            }
            return bytes
        }
    }

    let vocabulary: Int
    let cases: [Case]

    init(fixture name: String) throws {
        let file = TestModels.repository.appending(path: "Tests/Fixtures/tokenizers/\(name)")
        self = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    }
}
