import Foundation
import ModelFormats
import TensorCore
import Testing

/// The one view of a model that all formats give.
@Suite struct ModelSourceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    private func writeWeights() throws {
        let raw = RawSafetensors.entries(
            RawSafetensors.entry("w", "BF16", [2, 3], 0..<12),
            RawSafetensors.entry("scalar", "F32", [], 12..<16),
            RawSafetensors.entry("position_ids", "I64", [1], 16..<24),
            dataBytes: 24
        )
        try Data(raw.bytes).write(to: URL(fileURLWithPath: folder.file("model.safetensors")))
    }

    // MARK: - Hugging Face folders

    @Test func folderGivesKeysAndTensors() throws {
        try writeWeights()
        try write(
            #"""
            {"model_type": "llama", "hidden_size": 64, "rms_norm_eps": 1e-05, "tie_word_embeddings": true,
             "rope_scaling": {"rope_type": "llama3", "factor": 8.0}, "architectures": ["LlamaForCausalLM"],
             "sliding_window": null, "eos_token_id": [1, 2], "mixed": [1, 0.5], "parts": [{"a": 1}, null, [2]],
             "none": []}
            """#,
            "config.json"
        )
        try write(#"{"eos_token_id": 7}"#, "generation_config.json")
        try write(#"{"add_bos_token": false}"#, "tokenizer_config.json")
        for path in [folder.path, folder.file("model.safetensors")] {
            let source = try ModelSource(path: path)
            #expect(source.format == .huggingFace && source.path == folder.path)
            #expect(try source.string(source.architectureKey) == "llama")
            #expect(try source.integer("hidden_size") == 64)
            #expect(try source.number("rms_norm_eps") == 1e-5)
            #expect(try source.boolean("tie_word_embeddings"))
            #expect(try source.string("rope_scaling.rope_type") == "llama3")
            #expect(try source.number("rope_scaling.factor") == 8)
            #expect(try source.strings("architectures") == ["LlamaForCausalLM"])
            #expect(try source.integerIfPresent("sliding_window") == nil)
            #expect(try source.integers("eos_token_id") == [1, 2])
            #expect(try source.numbers("mixed") == [1, 0.5])
            #expect(try source.integer("parts.0.a") == 1)
            #expect(try source.integers("parts.2") == [2])
            #expect(try source.strings("none") == [])
            #expect(try source.integer("generation_config.eos_token_id") == 7)
            #expect(try source.boolean("tokenizer_config.add_bos_token") == false)
            let tensor = try source.tensor("w")
            #expect(tensor.dimensions == [3, 2] && tensor.elementType == .bfloat16)
            #expect(Array(tensor.bytes) == Array(1...12))
            #expect(try source.tensor("scalar").dimensions == [1])
            #expect(source.weightBytes == 16)
            #expect(source.companionFile("generation_config.json") == folder.file("generation_config.json"))
            #expect(source.companionFile("tokenizer.json") == nil)
        }
    }

    @Test func typeThatIsNotComputedWithIsNamedWhenAskedFor() throws {
        try writeWeights()
        try write("{}", "config.json")
        let source = try ModelSource(path: folder.path)
        let error = #expect(throws: MetadataError.self) { try source.tensor("position_ids") }
        #expect(error?.reason == .unsupportedType(tensor: "position_ids", type: "I64"))
        let missing = #expect(throws: MetadataError.self) { try source.string(source.architectureKey) }
        #expect(missing?.reason == .missingKey("model_type", nearest: nil))
    }

    @Test func folderWithoutConfiguration() throws {
        try writeWeights()
        let error = #expect(throws: MappedFileError.self) { try ModelSource(path: folder.path) }
        #expect(error?.path == folder.file("config.json"))
    }

    @Test(arguments: [
        "[]", "{", #"{"a":1,"a":2}"#, #"{"a":{"b":1},"a.b":2}"#, #"{"a":NaN}"#, #"{"a":tru}"#, #"{"a":1 "b":2}"#,
        #"{"a":1}{"#, #"{"a":"# + String(repeating: "[", count: 1000), #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#,
        #"{"a":-}"#, #"{"a":1e}"#, "{'a':1}", #"{"a":1,}"#, "{\"a\":\"\n\"}", "{/* */}",
    ]) func configurationThatIsNotSound(text: String) throws {
        try writeWeights()
        try write(text, "config.json")
        let error = #expect(throws: ConfigurationFileError.self) { try ModelSource(path: folder.path) }
        #expect(error?.description.contains("config.json, byte") == true)
    }

    @Test func hostileDepthAndLength() throws {
        try writeWeights()
        for text in [
            String(repeating: #"{"a":"#, count: 100_000), #"{"a":1"# + String(repeating: "0", count: 401) + "}",
        ] {
            try write(text, "config.json")
            #expect(throws: ConfigurationFileError.self) { try ModelSource(path: folder.path) }
        }
    }

    // MARK: - GGUF

    @Test func ggufFile() throws {
        try Data(soundFile()).write(to: URL(fileURLWithPath: folder.file("a.gguf")))
        let source = try ModelSource(path: folder.file("a.gguf")), file = try GGUFFile(path: folder.file("a.gguf"))
        #expect(source.format == .gguf && source.keys == file.keys && source.metadata == file.metadata)
        #expect(try source.string(source.architectureKey) == "llama")
        #expect(source.orderedTensors.map { $0.name } == file.orderedTensors.map { $0.name })
        #expect(Array(try source.tensor("f16").bytes) == Array(file.bytes(of: try file.tensor("f16"))))
        #expect(source.companionFile("a.gguf") == nil)
        #expect(throws: MetadataError.self) { try source.tensor("f17") }
    }

    // MARK: - Split GGUF

    private func part(_ number: Int, of count: Int, tensors: [String], total: Int? = nil) throws -> GGUFWriter {
        var writer = GGUFWriter()
        writer.set("split.no", .uint16(UInt16(number)))
        writer.set("split.count", .uint16(UInt16(count)))
        if let total { writer.set("split.tensors.count", .int32(Int32(total))) }
        if number == 0 { writer.set("general.architecture", .string("llama")) }
        for name in tensors { try writer.add(name, dimensions: [2], floats: [Float(number), 1]) }
        return writer
    }

    private func name(_ number: Int, of count: Int) -> String {
        folder.file(String(format: "m-%05d-of-%05d.gguf", number + 1, count))
    }

    private func reason(_ path: String) -> GGUFError.Reason? {
        #expect(throws: GGUFError.self) { try ModelSource(path: path) }?.reason
    }

    @Test func partsAreJoined() throws {
        try part(0, of: 3, tensors: [], total: 3).write(to: name(0, of: 3))
        try part(1, of: 3, tensors: ["a", "b"]).write(to: name(1, of: 3))
        try part(2, of: 3, tensors: ["c"]).write(to: name(2, of: 3))
        let source = try ModelSource(path: name(0, of: 3))
        #expect(source.orderedTensors.map { $0.name } == ["a", "b", "c"])
        #expect(source.weightFiles.map { $0.path } == (0..<3).map { name($0, of: 3) })
        #expect(try source.tensor("c").bytes.loadUnaligned(as: Float.self) == 2)
        #expect(try source.string("general.architecture") == "llama")
        #expect(reason(name(1, of: 3)) == .notFirstPart(number: 2, first: name(0, of: 3)))
    }

    @Test func missingPartIsNamed() throws {
        try part(0, of: 2, tensors: ["a"]).write(to: name(0, of: 2))
        let error = #expect(throws: MappedFileError.self) { try ModelSource(path: name(0, of: 2)) }
        #expect(error?.path == name(1, of: 2) && error?.reason == .missing)
    }

    @Test func partsThatDoNotBelongTogether() throws {
        func refuse(_ second: GGUFWriter, total: Int? = nil, says words: String) throws {
            try part(0, of: 2, tensors: ["a"], total: total).write(to: name(0, of: 2), overwrite: true)
            try second.write(to: name(1, of: 2), overwrite: true)
            guard case .invalidSplit(let problem) = reason(name(0, of: 2)) else {
                Issue.record("accepted")
                return
            }
            #expect(problem.contains(words))
        }
        try refuse(part(1, of: 3, tensors: ["b"]), says: "another part")
        try refuse(part(0, of: 2, tensors: ["b"]), says: "another part")
        try refuse(part(1, of: 2, tensors: ["a"]), says: "'a' is in")
        try refuse(part(1, of: 2, tensors: ["b"]), total: 3, says: "have 2 tensors, not 3")
    }

    @Test func partUnderAnotherName() throws {
        try part(0, of: 2, tensors: ["a"]).write(to: folder.file("renamed.gguf"))
        guard case .invalidSplit(let problem) = reason(folder.file("renamed.gguf")) else {
            Issue.record("accepted")
            return
        }
        #expect(problem.contains("-00001-of-00002.gguf"))
        try part(1, of: 2, tensors: ["a"]).write(to: folder.file("other.gguf"))
        #expect(reason(folder.file("other.gguf")) == .notFirstPart(number: 2, first: nil))
    }

    @Test(arguments: [-1, 1001, Int.max]) func impossibleNumberOfParts(count: Int) throws {
        var writer = GGUFWriter()
        writer.set("split.no", .uint16(0))
        writer.set("split.count", .int64(Int64(count)))
        try writer.write(to: folder.file("a.gguf"))
        #expect(reason(folder.file("a.gguf")) == .invalidSplit("split.count is \(count)"))
    }
}
