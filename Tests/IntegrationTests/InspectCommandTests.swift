import Foundation
import Testing

/// `kvatlas inspect` of models, and what it says that they take and what fits.
@Suite struct InspectCommandTests {
    private static let tiny = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/inference/tiny")

    private func object(_ outcome: BuiltCommand.Outcome) throws -> [String: Any] {
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    private func entries(_ summary: [String: Any]) throws -> [String: [String: Any]] {
        let model = try #require(summary["model"] as? [String: Any])
        let caches = try #require(model["caches"] as? [String: Any])
        let entries = try #require(caches["entries"] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: try entries.map { entry in
                let account = try #require(entry["account"] as? [String: Any])
                return (try #require(account["id"] as? String), entry)
            }
        )
    }

    @Test(arguments: ["mistral.gguf", "mistral", "gemma3.gguf"])
    func aModelIsToldWithWhatItsCachesTake(_ name: String) throws {
        let path = Self.tiny.appending(path: name).path
        let summary = try object(BuiltCommand.run("inspect", path, "--json", "--tokens", "100", "--memory", "4MB"))
        #expect(summary["format"] as? String == (name.hasSuffix("gguf") ? "GGUF" : "Hugging Face"))
        #expect(summary["problem"] == nil)
        let model = try #require(summary["model"] as? [String: Any])
        func size(_ key: String) throws -> Int { try #require(model[key] as? Int) }
        let elements = try 2 * size("layers") * size("kvHeads") * size("headDim"), context = try size("contextLength")
        #expect(try size("vocabularySize") > 0 && model["architecture"] as? String != nil)
        #expect((model["windowLayers"] as? [String: Int])?.isEmpty == false)

        let caches = try entries(summary)
        #expect(caches["full-f32"]?["bytesPerToken"] as? Double == Double(4 * elements))
        #expect(caches["full-f16"]?["bytesPerToken"] as? Double == Double(2 * elements))
        #expect(caches.keys.contains("kivi-2-g32-r128") && caches.keys.contains("rtn-int8-token-g32"))
        for (id, entry) in caches {
            let fit = try #require(entry["fit"] as? [String: Int])
            #expect((1...context).contains(fit["longestSequence"] ?? 0), "\(id)")
            #expect(fit["batchTokens"] == 100 && fit["largestBatch"] ?? 0 > 0, "\(id)")
        }

        let text = try BuiltCommand.run("inspect", path, "--tokens", "100", "--caches", "full-f16")
        #expect(text.code == 0 && text.output.contains("architecture") && text.output.contains("full-f16"))
        #expect(text.output.contains("batch of 100 tokens") && !text.output.contains("kivi-2-g32-r128"))
    }

    @Test func nothingFitsBesideWeightsThatFillTheMemory() throws {
        let path = Self.tiny.appending(path: "llama.gguf").path
        let summary = try object(BuiltCommand.run("inspect", path, "--json", "--memory", "1kB"))
        for (id, entry) in try entries(summary) {
            let fit = try #require(entry["fit"] as? [String: Int])
            #expect(fit["longestSequence"] == 0 && fit["largestBatch"] == 0, "\(id)")
        }
    }

    @Test func aModelThatCannotBeRunIsToldWithTheReason() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        try folder.rewriteModel(metadata: { if $0 == "general.architecture" { $1 = .string("mamba") } })
        let summary = try object(BuiltCommand.run("inspect", "model.gguf", "--json", in: folder.url))
        #expect(summary["model"] == nil)
        #expect((summary["problem"] as? String)?.contains("'mamba' is not supported") == true)
        #expect((summary["tensors"] as? [Any])?.isEmpty == false)
        let text = try BuiltCommand.run("inspect", "model.gguf", in: folder.url)
        #expect(text.output.contains("cannot be run") && text.output.contains("blk.0.attn_q.weight"))
    }

    @Test func optionsOfModelsAreRefusedForCaptures() throws {
        let folder = try TemporaryFolder()
        try folder.write("no capture", to: "c.h5")
        #expect(try BuiltCommand.run("inspect", "c.h5", "--tokens", "5", in: folder.url).code == 2)
        let path = Self.tiny.appending(path: "llama.gguf").path
        #expect(try BuiltCommand.run("inspect", path, "--tokens", "0").code == 2)
        let wrong = try BuiltCommand.run("inspect", path, "--caches", "full-f17")
        #expect(wrong.code == 2 && wrong.errors.contains("full-f16"))
    }

    @Test func architecturesAreListedWithWhatIsRefused() throws {
        let text = try BuiltCommand.run("list", "architectures")
        #expect(text.code == 0, "\(text.errors)")
        for name in ["llama", "qwen2", "qwen3", "gemma3", "falcon", "Mistral 7B", "ALiBi", "mixtures of experts"] {
            #expect(text.output.contains(name), "\(name)")
        }
        #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 130 })
    }

    @Test func columnsOfTheStructureStudysTablesAreListed() throws {
        let sinks = try BuiltCommand.run("list", "analyses", "--table", "attention-sinks")
        #expect(sinks.code == 0 && sinks.output.contains("attention_share"), "\(sinks.output)")
        let wrong = try BuiltCommand.run("list", "analyses", "--table", "attention-sink")
        #expect(wrong.code == 2 && wrong.errors.contains("attention-sinks"), "\(wrong.errors)")
        #expect(try BuiltCommand.run("list", "figures", "--table", "spectrum").code == 2)
    }

    /// What turns the keys is told with its scaling; a model that lacks tensors says so beside its sizes.
    @Test func inspectTellsRotationsAndWhatIsMissing() throws {
        let scaled = try BuiltCommand.run("inspect", Self.tiny.appending(path: "gemma3-scaled").path)
        #expect(scaled.output.contains("base 1000000, positions divided by 8; layers with a window: base 10000"))
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: Self.tiny.appending(path: "llama"), to: folder.url.appending(path: "m"))
        let file = folder.url.appending(path: "m/config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        let deeper = text.replacing(#""num_hidden_layers": 3"#, with: #""num_hidden_layers": 4"#)
        try Data(deeper.utf8).write(to: file)
        let lacking = try BuiltCommand.run("inspect", "m", in: folder.url)
        #expect(lacking.output.contains("cannot be run") && lacking.output.contains("lacks 9 tensors"))
    }

    @Test func plotRefusesWhatAFigureDoesNotHeed() throws {
        let capture = try BuiltCommand.run("plot", "none.h5", "--figure", "letter-values", "--head", "7", "--out", "-")
        #expect(capture.code == 2 && capture.errors.contains("takes no --head"), "\(capture.errors)")
    }

    /// A folder's own template makes the message; the answer comes from the folder's weights.
    @Test func generateWritesAConversationAsTheFolderWantsIt() throws {
        let folder = try TemporaryFolder()
        let model = folder.url.appending(path: "model")
        try FileManager.default.copyItem(at: Self.tiny.appending(path: "qwen2"), to: model)
        func tokens(_ arguments: String...) throws -> Int? {
            let command = ["generate", "--model", "model", "--prompt", "Hi", "--max-tokens", "3", "--json", "-"]
            let outcome = try BuiltCommand.start(command + arguments, in: folder.url).wait()
            let sequences = try object(outcome)["sequences"] as? [[String: Any]]
            return sequences?.first?["promptTokens"] as? Int
        }
        let bare = try BuiltCommand.run("generate", "--model", "model", "--chat", "--prompt", "Hi", in: folder.url)
        #expect(bare.code == 1 && bare.errors.contains("chat_template"), "\(bare.errors)")
        try Data("{{ '<|im_start|>' + message.role }}".utf8).write(to: model.appending(path: "chat_template.jinja"))
        // The tiny vocabulary has bytes and a few merges: a token for each character but of `in` and `er`.
        let (plain, chat) = (try tokens(), try tokens("--chat"))
        #expect(try #require(chat) > #require(plain) + 40)
    }
}
