import Foundation
import Inference
import Testing

/// What a `config.json` may ask for that is not computed, or contradict.
struct HuggingFaceConfigurationTests {
    /// Calls `body` with a copy of a tiny model's folder whose configuration is changed.
    static func withConfiguration<Result>(
        _ variant: String,
        _ changes: [String: Any?],
        _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: TinyModelTests.path(variant, .huggingFace), toPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "config.json")
        var configuration =
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
        for (key, value) in changes { configuration[key] = value }
        try JSONSerialization.data(withJSONObject: configuration).write(to: file)
        return try body(folder.path)
    }

    /// What loading such a folder throws, less its path.
    private func error(_ variant: String, _ changes: [String: Any?]) throws -> String {
        try Self.withConfiguration(variant, changes) { path in
            do {
                _ = try LanguageModel(path: path)
                return ""
            } catch {
                return "\(error)".replacing(path, with: "FOLDER")
            }
        }
    }

    @Test func aSoundFolderLoads() throws {
        #expect(try error("llama", [:]) == "")
        // As transformers before version 5 wrote it.
        let old: [String: Any?] = ["rope_parameters": nil, "rope_theta": 10000.0, "rope_scaling": nil]
        #expect(try error("llama", old) == "")
        #expect(try error("gemma3", ["rope_parameters": nil, "rope_theta": 1e6, "rope_local_base_freq": 1e4]) == "")
    }

    @Test(arguments: [
        ("llama", "hidden_act", "gelu", "'silu'"), ("gemma3", "hidden_activation", "silu", "'gelu_pytorch_tanh'"),
        ("llama", "model_type", "llama5", "one of llama, mistral"), ("gemma3", "model_type", "gemma3", "gemma3_text"),
    ])
    func functionsThatAreNotComputedAreRefused(_ variant: String, _ key: String, _ value: String, _ expected: String)
        throws
    {
        let message = try error(variant, [key: value])
        #expect(message.hasPrefix("FOLDER") && message.contains(value) && message.contains(expected), "\(message)")
    }

    @Test func scalingsThatAreNotComputedAreRefused() throws {
        let yarn = ["rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0] as [String: Any]
        let message = try error("llama", ["rope_parameters": yarn])
        #expect(message.contains("'rope_parameters.rope_type' = yarn is not supported"), "\(message)")
        let old = ["type": "dynamic", "factor": 2.0] as [String: Any]
        #expect(try error("llama", ["rope_parameters": nil, "rope_scaling": old]).contains("'rope_scaling.type'"))
        let endless = ["rope_type": "linear", "factor": -1.0] as [String: Any]
        #expect(try error("llama", ["rope_parameters": endless]).contains("'rope_parameters.factor' is -1.0"))
    }

    @Test func layersWithAWindowHaveAScalingOfTheirOwn() throws {
        func parameters(_ local: [String: Any]) -> [String: Any?] {
            [
                "rope_parameters": [
                    "full_attention": ["rope_type": "default", "rope_theta": 1e6],
                    "sliding_attention": ["rope_theta": 1e4].merging(local) { $1 },
                ]
            ]
        }
        #expect(try error("gemma3", parameters(["rope_type": "linear", "factor": 4.0])) == "")
        let yarn = try error("gemma3", parameters(["rope_type": "yarn", "factor": 4.0]))
        #expect(yarn.contains("'rope_parameters.sliding_attention.rope_type' = yarn is not supported"), "\(yarn)")
        let none = try error("gemma3", parameters(["rope_type": "linear"]))
        #expect(none.contains("factor"), "\(none)")
        let flat = try error("gemma3", parameters(["rope_theta": 1.0]))
        #expect(flat.contains("'rope_parameters.sliding_attention.rope_theta' is 1"), "\(flat)")
    }

    /// As transformers' own configurations have it.
    @Test func keysThatAreLeftOutHaveTheFamilysValues() throws {
        func configuration(_ variant: String, without keys: [String]) throws -> ModelConfiguration {
            let changes = Dictionary(uniqueKeysWithValues: keys.map { ($0, Any?.none) })
            return try Self.withConfiguration(variant, changes) { try ModelConfiguration.read($0) }
        }
        let keys = ["rope_parameters", "sliding_window", "layer_types", "head_dim", "query_pre_attn_scalar"]
        let gemma = try configuration("gemma3", without: keys)
        #expect(gemma.ropeBase == 1e6 && gemma.headDim == 256 && gemma.attention.scale == 1 / 16)
        #expect(gemma.attention.layers.map { $0.window } == [4096, 4096, 4096, 4096, 4096, nil, 4096])
        #expect(gemma.attention.rotation(layer: 0).base == 1e4)
        #expect(try configuration("llama", without: ["rope_parameters"]).ropeBase == 1e4)
        let falcon = try configuration("falcon-7b", without: ["max_position_embeddings"])
        #expect(falcon.contextLength == 2048)
    }

    @Test func positionsWithoutRoPEAreRefused() throws {
        #expect(try error("falcon-7b", ["alibi": true]).contains("'alibi' = true is not supported"))
        #expect(try error("falcon-7b", ["parallel_attn": false]).contains("'parallel_attn' = false is not supported"))
    }

    @Test func layersMustBeCountedAndKnown() throws {
        #expect(try error("gemma3", ["layer_types": ["full_attention"]]).contains("one for each of the 7 layers"))
        let strange = Array(repeating: "chunked_attention", count: 7)
        #expect(try error("gemma3", ["layer_types": strange]).contains("chunked_attention is not supported"))
        #expect(try error("mistral", ["sliding_window": -4]).contains("'sliding_window' is -4"))
    }

    @Test func whatContradictsTheTensorsIsNamed() throws {
        #expect(try error("llama", ["vocab_size": 1000]).contains("'vocab_size' is 1000"))
        #expect(try error("llama", ["intermediate_size": 47]).contains("mlp.gate_proj.weight"))
        let deeper = try error("llama", ["num_hidden_layers": 4])
        #expect(deeper.contains("lacks 9 tensors: ") && deeper.contains("model.layers.3.self_attn.q_proj.weight"))
        #expect(try error("qwen2", ["tie_word_embeddings": false]).contains("lacks 1 tensor: lm_head.weight"))
    }
}
