import Foundation
import Inference
import ModelFormats
import Testing

/// What a model file can have wrong, and what its reader is told.
struct LoadingTests {
    private func expect(_ model: EditedModel, says parts: String...) throws {
        let message = try #require(try model.loadError(), "it loaded")
        #expect(message.hasPrefix("FILE: "), "no file in: \(message)")
        for part in parts { #expect(message.contains(part), "'\(part)' is missing in: \(message)") }
    }

    @Test func aSoundFileLoads() throws {
        #expect(try EditedModel().loadError() == nil)
        #expect(try EditedModel(architecture: "qwen2").loadError() == nil)
    }

    @Test func unknownArchitectureNamesTheNearest() throws {
        try expect(
            EditedModel(metadata: ["general.architecture": .string("qwen4")]),
            says: "architecture 'qwen4' is not supported",
            "perhaps 'qwen2'",
            "one of llama, qwen2, qwen3"
        )
        try expect(EditedModel(metadata: ["general.architecture": .string("mamba")]), says: "'mamba'", "one of llama")
    }

    @Test func allMissingTensorsAreNamed() throws {
        let names: Set<String> = ["blk.0.attn_k.weight", "blk.1.ffn_up.weight", "output_norm.weight"]
        let model = EditedModel(withoutTensors: names)
        let message = try #require(try model.loadError())
        #expect(message.contains("lacks 3 tensors"))
        for name in names { #expect(message.contains(name)) }
    }

    @Test func qwenWithoutBiasesIsRefused() throws {
        let names: Set<String> = ["blk.0.attn_q.bias"]
        try expect(
            EditedModel(architecture: "qwen2", withoutTensors: names),
            says: "lacks 1 tensor: blk.0.attn_q.bias"
        )
    }

    @Test func missingEmbeddingIsNamed() throws {
        try expect(EditedModel(withoutTensors: ["token_embd.weight"]), says: "lacks 1 tensor: token_embd.weight")
    }

    @Test func shapesThatContradictTheMetadataAreRefused() throws {
        try expect(
            EditedModel(tensors: ["blk.0.attn_k.weight": [128, 128]]),
            says: "'blk.0.attn_k.weight' has the shape [128, 128]",
            "expected [128, 64]"
        )
        try expect(EditedModel(tensors: ["blk.1.ffn_norm.weight": [64]]), says: "[64]", "expected [128]")
        try expect(EditedModel(metadata: ["llama.embedding_length": .uint32(96)]), says: "has the shape")
        try expect(EditedModel(metadata: ["llama.feed_forward_length": .uint32(64)]), says: "ffn_gate.weight")
    }

    @Test(arguments: [
        ("llama.block_count", 0), ("llama.attention.head_count", 0), ("llama.attention.head_count_kv", 3),
        ("llama.embedding_length", -4), ("llama.context_length", 0), ("llama.block_count", 1 << 40),
    ])
    func impossibleCountsAreRefused(_ key: String, _ value: Int) throws {
        try expect(EditedModel(metadata: [key: .int64(Int64(value))]), says: "'\(key)' is \(value)", "expected")
    }

    @Test func absentAndMistypedKeysAreNamed() throws {
        try expect(EditedModel(withoutKeys: ["llama.block_count"]), says: "llama.block_count")
        try expect(EditedModel(metadata: ["llama.block_count": .string("two")]), says: "llama.block_count", "integer")
        try expect(EditedModel(withoutKeys: ["tokenizer.ggml.merges"]), says: "tokenizer.ggml.merges")
    }

    @Test(arguments: [
        ("llama.rope.scaling.type", MetadataValue.string("yarn")), ("llama.rope.scaling.attn_factor", .float32(2)),
        ("llama.rope.dimension_count", .uint32(16)), ("llama.attention.max_alibi_bias", .float32(8)),
        ("llama.attention.value_length", .uint32(64)), ("llama.expert_count", .uint32(8)),
        ("llama.attn_logit_softcapping", .float32(50)), ("llama.attention.causal", .boolean(false)),
    ])
    func featuresThatWouldChangeTheNumbersAreRefused(_ key: String, _ value: MetadataValue) throws {
        try expect(EditedModel(metadata: [key: value]), says: "'\(key)'", "is not supported", "expected")
    }

    @Test func windowsOfAFamilyWithoutAreRefused() throws {
        let metadata = ["qwen2.attention.sliding_window": MetadataValue.uint32(128)]
        try expect(EditedModel(architecture: "qwen2", metadata: metadata), says: "sliding_window", "is not supported")
    }

    @Test func frequencyDivisorsMustBeNumbersAboveZero() throws {
        try expect(EditedModel(tensors: ["rope_freqs.weight": [16]]), says: "rope_freqs.weight", "above 0")
        try expect(EditedModel(tensors: ["rope_freqs.weight": [15]]), says: "has the shape [15]", "[16]")
    }

    @Test(arguments: [
        ("llama.rope.freq_base", Float.nan), ("llama.attention.layer_norm_rms_epsilon", -1),
        ("llama.rope.scaling.factor", -2), ("llama.attention.scale", -1),
    ])
    func impossibleConstantsAreRefused(_ key: String, _ value: Float) throws {
        try expect(EditedModel(metadata: [key: .float32(value)]), says: "'\(key)' is")
    }

    @Test func vocabularyOfAnotherSizeIsRefused() throws {
        let tokens = MetadataValue.array(MetadataArray(strings: ["a", "b"]))
        try expect(EditedModel(metadata: ["tokenizer.ggml.tokens": tokens]), says: "a list of 2 tokens", "token_embd")
    }

    @Test func unknownTokenizersNameTheKnownOnes() throws {
        try expect(
            EditedModel(metadata: ["tokenizer.ggml.model": .string("bert")]),
            says: "'bert'",
            "one of gpt2, llama"
        )
        try expect(EditedModel(metadata: ["tokenizer.ggml.pre": .string("qwen3")]), says: "'qwen3'", "perhaps 'qwen2'")
    }

    @Test func everyCutOfAFileIsAnError() throws {
        try TestModels.withRandomModel { path in
            let whole = try Data(contentsOf: URL(filePath: path))
            for length in stride(from: 0, to: whole.count, by: max(1024, whole.count / 64)) {
                try whole.prefix(length).write(to: URL(filePath: path))
                #expect(throws: (any Error).self) { try LanguageModel(path: path) }
            }
        }
    }
}
