import Foundation
import Inference
import ModelFormats
import Testing
import Tokenizers

/// Tokenizers and chat templates of folders as Hugging Face writes them, and of GGUF files of SentencePiece.
@Suite struct TokenizerLoaderTests {
    private static let references = TestModels.root.appending(path: "Tests/Fixtures/tokenizers/references")

    private struct Reference: Decodable {
        let ids: [[Int32]]
    }

    /// The texts of the references with what an independent tokenizer makes of them.
    private static func texts(_ name: String) throws -> [(bytes: [UInt8], ids: [Int32])] {
        let decoder = JSONDecoder()
        let pairs = try decoder.decode(
            [[String]].self,
            from: Data(contentsOf: references.appending(path: "texts.json"))
        )
        let ids = try decoder.decode(
            Reference.self,
            from: Data(contentsOf: references.appending(path: "\(name).ids.json"))
        ).ids
        #expect(pairs.count == ids.count)
        return zip(pairs, ids).map { pair, ids in
            let digits = Array(pair[1].utf8)
            let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
                UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
            }
            return (bytes, ids)
        }
    }

    /// Calls `body` with a folder of these files, by name: texts, or copies of reference vocabularies.
    private func withFolder<Result>(
        _ texts: [String: String] = [:],
        copies: [String: String] = [:],
        _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in texts { try Data(text.utf8).write(to: folder.appending(path: name)) }
        for (name, source) in copies {
            try FileManager.default.copyItem(
                at: Self.references.appending(path: source),
                to: folder.appending(path: name)
            )
        }
        return try body(folder.path)
    }

    private func expectReference(_ tokenizer: any Tokenizer, _ name: String) throws {
        for (bytes, ids) in try Self.texts(name) { #expect(tokenizer.encode(bytes) == ids) }
    }

    // MARK: - Folders

    @Test(arguments: [
        ("llama2", "tokenizer.model", "llama2.model"), ("gemma", "tokenizer.model", "gemma.model"),
        ("llama2", "tokenizer.json", "llama2.json"), ("llama3", "tokenizer.json", "llama3.json"),
        ("qwen2", "tokenizer.json", "qwen2.json"),
    ])
    func foldersWithEitherFileAreRead(_ name: String, _ file: String, _ source: String) throws {
        try withFolder(copies: [file: source]) {
            try expectReference(try TokenizerLoader.load(folder: $0), name)
        }
    }

    @Test func theNewerFileGoesBefore() throws {
        try withFolder(copies: ["tokenizer.json": "qwen2.json", "tokenizer.model": "llama2.model"]) {
            try expectReference(try TokenizerLoader.load(folder: $0), "qwen2")
        }
    }

    @Test func settingsSayWhatIsAroundATextAndWhereItEnds() throws {
        let vocabulary = ["tokenizer.model": "llama2.model"]
        try withFolder(copies: vocabulary) {
            let tokenizer = try TokenizerLoader.load(folder: $0)
            #expect(tokenizer.beginToken == 1 && tokenizer.finalToken == nil && tokenizer.endOfTextTokens == [2])
        }
        let settings = #"{"add_bos_token": false, "add_eos_token": true, "eos_token": {"content": "</s>"}}"#
        let files = ["tokenizer_config.json": settings, "generation_config.json": #"{"eos_token_id": [2, 7]}"#]
        try withFolder(files, copies: vocabulary) {
            let tokenizer = try TokenizerLoader.load(folder: $0)
            #expect(tokenizer.beginToken == nil && tokenizer.finalToken == 2)
            #expect(tokenizer.endOfTextTokens == [2, 7])
        }
    }

    @Test func withoutAGenerationFileTheModelsOwnEndCounts() throws {
        let vocabulary = ["tokenizer.json": "llama3.json"]
        let ends = try withFolder(["config.json": #"{"eos_token_id": 9}"#], copies: vocabulary) {
            try TokenizerLoader.load(folder: $0).endOfTextTokens
        }
        #expect(ends.contains(9))
        let files = ["config.json": #"{"eos_token_id": 9}"#, "generation_config.json": #"{"eos_token_id": 8}"#]
        let others = try withFolder(files, copies: vocabulary) { try TokenizerLoader.load(folder: $0).endOfTextTokens }
        #expect(others.contains(8) && !others.contains(9))
    }

    @Test func whatCannotBeUsedIsNamedWithItsFile() throws {
        func message(_ texts: [String: String], copies: [String: String] = [:]) throws -> String {
            try withFolder(texts, copies: copies) { folder in
                do {
                    _ = try TokenizerLoader.load(folder: folder)
                    return "it loaded"
                } catch {
                    return "\(error)".replacing(folder, with: "FOLDER")
                }
            }
        }
        let none = try message([:])
        #expect(none.contains("FOLDER") && none.contains("one of tokenizer.json, tokenizer.model"), "\(none)")
        #expect(try message(["tokenizer.json": "{"]).contains("FOLDER/tokenizer.json"))
        #expect(try message(["tokenizer.model": "\u{1}x"]).contains("FOLDER/tokenizer.model"))
        let vocabulary = ["tokenizer.json": "llama3.json"]
        let settings = try message(["tokenizer_config.json": "[}"], copies: vocabulary)
        #expect(settings.contains("FOLDER/tokenizer_config.json"), "\(settings)")
        for file in ["generation_config.json", "config.json"] {
            let ends = try message([file: #"{"eos_token_id": "</s>"}"#], copies: vocabulary)
            #expect(ends.contains("FOLDER/\(file)") && ends.contains("'eos_token_id'"), "\(ends)")
        }
        let missing = try message(
            ["tokenizer_config.json": #"{"add_bos_token": true, "bos_token": "<none>"}"#],
            copies: vocabulary
        )
        #expect(missing.contains("<none>"), "\(missing)")
    }

    // MARK: - GGUF

    /// A random model with the vocabulary of a SentencePiece model, as llama.cpp's converter writes it.
    private func withPieces<Result>(
        _ name: String,
        changes: [String: MetadataValue] = [:],
        _ body: (LanguageModel) throws -> Result
    ) throws -> Result {
        let bytes = try Data(contentsOf: Self.references.appending(path: "\(name).model"))
        let file = try SentencePieceModelFile(Array(bytes))
        var model = EditedModel()
        model.withoutKeys = ["tokenizer.ggml.merges", "tokenizer.ggml.pre"]
        model.tensors = ["token_embd.weight": [128, file.pieces.count]]
        model.metadata = [
            "tokenizer.ggml.model": .string("llama"), "tokenizer.ggml.tokens": .array(.init(strings: file.pieces)),
            "tokenizer.ggml.scores": .array(.init(float32s: file.scores.map { Float($0) })),
            "tokenizer.ggml.token_type": .array(.init(int32s: file.kinds.map { Int32($0) })),
            "tokenizer.ggml.bos_token_id": .uint32(UInt32(file.beginToken)),
            "tokenizer.ggml.eos_token_id": .uint32(UInt32(file.endToken)),
            "tokenizer.ggml.unknown_token_id": .uint32(UInt32(file.unknownToken)),
            "tokenizer.ggml.add_space_prefix": .boolean(file.addsSpacePrefix),
        ].merging(changes) { $1 }
        return try model.with { try body(try LanguageModel(path: $0)) }
    }

    @Test(arguments: ["llama2", "gemma"])
    func piecesOfAGGUFFileAreThoseOfTheirModel(_ name: String) throws {
        try withPieces(name) { model in
            try expectReference(model.tokenizer, name)
            let bytes = Array("Hi".utf8), begin: Int32 = name == "gemma" ? 2 : 1
            #expect(model.tokenizer.beginToken == begin)
            #expect(model.encode(bytes) == [begin] + model.tokenizer.encode(bytes))
            #expect(model.tokenizer.endOfTextTokens.isSuperset(of: [name == "gemma" ? 1 : 2]))
        }
    }

    @Test func keysOfAGGUFFileSayWhatIsAroundAText() throws {
        let changes: [String: MetadataValue] = [
            "tokenizer.ggml.add_bos_token": .boolean(false), "tokenizer.ggml.add_eos_token": .boolean(true),
            "tokenizer.ggml.eot_token_id": .uint32(5),
        ]
        try withPieces("llama2", changes: changes) { model in
            #expect(model.tokenizer.beginToken == nil && model.tokenizer.finalToken == 2)
            #expect(model.tokenizer.endOfTextTokens == [2, 5])
        }
        #expect(throws: ModelError.self) {
            try withPieces("llama2", changes: ["tokenizer.ggml.remove_extra_whitespaces": .boolean(true)]) { _ in }
        }
    }

    // MARK: - Chat templates of folders

    private func withModelFolder<Result>(
        _ files: [String: String],
        _ body: (LanguageModel) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: TinyModelTests.path("llama", .huggingFace), toPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        return try body(try LanguageModel(path: folder.path))
    }

    private static let chatML = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    private static let gemma = "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n"

    @Test func templatesOfFoldersAreFound() throws {
        func prompt(_ files: [String: String]) throws -> String {
            try withModelFolder(files) { try $0.chatTemplate().prompt(user: "Hi") }
        }
        let plain = #"{"chat_template": "{{ '<|im_start|>' + role + '\n' }}"}"#
        #expect(try prompt(["tokenizer_config.json": plain]) == Self.chatML)
        // Of several, the one that is named so.
        let several =
            #"{"chat_template": [{"name": "tool_use", "template": "{{ '[INST]' }}"}, "#
            + #"{"name": "default", "template": "{{ '<start_of_turn>' }}"}]}"#
        #expect(try prompt(["tokenizer_config.json": several]) == Self.gemma)
        // The file of its own goes before.
        let files = ["tokenizer_config.json": plain, "chat_template.jinja": "{{ '<start_of_turn>' }}\n"]
        #expect(try prompt(files) == Self.gemma)
    }

    @Test func aFolderWithoutATemplateLoadsAndSaysSoWhenAsked() throws {
        let tools = #"{"chat_template": [{"name": "tool_use", "template": "{{ '[INST]' }}"}]}"#
        for files in [[:], ["tokenizer_config.json": tools], ["tokenizer_config.json": #"{"chat_template": 3}"#]] {
            try withModelFolder(files) { model in
                #expect(throws: (any Error).self) { try model.chatTemplate() }
                #expect(!model.encode(Array("Hi".utf8)).isEmpty)
            }
        }
        let error = try withModelFolder(["chat_template.jinja": "{{ odd }}"]) { model in
            #expect(throws: ModelError.self) { try model.chatTemplate() }
        }
        #expect(error?.description.contains("chat_template.jinja") == true)
    }
}
