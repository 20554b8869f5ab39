import Foundation
import Inference
import Kernels
import ModelFormats
import TensorCore
import Testing

/// Every architecture against Hugging Face transformers in float32, on tiny random models
/// (`Tests/Fixtures/inference/make-tiny-models.py`).
struct TinyModelTests {
    struct Golden {
        private struct Description: Decodable {
            struct Array: Decodable {
                let layer: Int
                let tensor: CapturedTensor
                let shape: [Int]
            }
            let tokens: [Int32]
            let logits: [Int]
            let arrays: [Array]
        }

        let tokens: [Int32]
        /// `[token, vocabulary]`.
        let logits: [Float]
        /// `[token, head, channel]`.
        let tensors: [KeepingTap.Key: [Float]]

        init(_ variant: String) throws {
            let description = try JSONDecoder().decode(
                Description.self,
                from: TestModels.fixture("tiny/\(variant).json")
            )
            let floats = try TestModels.fixture("tiny/\(variant).bin").withUnsafeBytes {
                Array($0.bindMemory(to: Float.self))
            }
            tokens = description.tokens
            var end = description.logits.reduce(1, *)
            logits = Array(floats[..<end])
            var tensors: [KeepingTap.Key: [Float]] = [:]
            for array in description.arrays {
                let first = end
                end += array.shape.reduce(1, *)
                tensors[.init(tensor: array.tensor, layer: array.layer)] = Array(floats[first..<end])
            }
            #expect(end == floats.count)
            self.tensors = tensors
        }
    }

    static let variants = [
        "llama", "llama3-scaled", "llama-linear", "mistral", "qwen2", "qwen3", "gemma3", "gemma3-scaled", "falcon-7b",
        "falcon-40b", "falcon-11b",
    ]
    /// Those for which GGUF has no keys.
    static let onlyFolders = ["gemma3-local", "qwen2-window"]

    enum Format: Sendable, CaseIterable {
        case gguf
        case huggingFace
    }

    static func path(_ variant: String, _ format: Format = .gguf) -> String {
        let name = format == .gguf ? variant + ".gguf" : variant
        return TestModels.root.appending(path: "Tests/Fixtures/inference/tiny/\(name)").path
    }

    /// Relative to the value itself or, where that is a small difference of large terms, to the root mean square.
    private func expectClose(_ found: ArraySlice<Float>, _ expected: ArraySlice<Float>, _ what: String) {
        let square = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let size = (square / Double(max(1, expected.count))).squareRoot()
        let errors = zip(found, expected).map { abs(Double($0) - Double($1)) / max(size, abs(Double($1))) }
        let worst = errors.max() ?? .infinity
        #expect(found.count == expected.count && worst <= 1e-4, "\(what): off by \(worst), \(found.count) elements")
    }

    private func check(_ tap: KeepingTap, _ golden: Golden, _ what: String) {
        #expect(Set(tap.values.keys) == Set(golden.tensors.keys))
        for (key, expected) in golden.tensors {
            let found = tap.values[key] ?? []
            expectClose(found[...], expected[...], "\(what), layer \(key.layer), \(key.tensor.rawValue)")
        }
    }

    /// The tokens in steps of so many, the last one shorter.
    @Test(arguments: variants, [48, 1, 17, 20])
    func logitsAndTensorsAreThoseOfTransformers(_ variant: String, _ step: Int) throws {
        try checkSteps(of: step, variant, .gguf)
    }

    @Test(arguments: onlyFolders, [48, 1, 17])
    func foldersWithoutAGGUFAreThoseOfTransformers(_ variant: String, _ step: Int) throws {
        try checkSteps(of: step, variant, .huggingFace)
    }

    private func checkSteps(of step: Int, _ variant: String, _ format: Format) throws {
        let golden = try Golden(variant), model = try LanguageModel(path: Self.path(variant, format))
        let cache = model.makeCache(capacity: golden.tokens.count), tap = KeepingTap()
        var logits: [Float] = []
        for first in stride(from: 0, to: golden.tokens.count, by: step) {
            let tokens = Array(golden.tokens[first..<min(golden.tokens.count, first + step)])
            logits += try #require(try model.forward(tokens, cache: cache, logits: .all, tap: tap)).elements
        }
        expectClose(logits[...], golden.logits[...], "\(variant), logits")
        check(tap, golden, "\(variant) by \(step)")
    }

    @Test(arguments: variants)
    func foldersOfHuggingFaceAreReadAlike(_ variant: String) throws {
        let golden = try Golden(variant)
        let model = try LanguageModel(path: Self.path(variant, .huggingFace))
        let other = try LanguageModel(path: Self.path(variant, .gguf))
        let cache = model.makeCache(capacity: golden.tokens.count), tap = KeepingTap()
        let logits = try model.forward(golden.tokens, cache: cache, logits: .all, tap: tap)?.elements ?? []
        expectClose(logits[...], golden.logits[...], "\(variant), logits")
        check(tap, golden, variant)

        let (folder, file) = (model.configuration, other.configuration)
        #expect(folder.architecture == file.architecture && folder.cacheShape == file.cacheShape)
        #expect(folder.width == file.width && folder.feedForwardWidth == file.feedForwardWidth)
        #expect(folder.contextLength == file.contextLength && folder.normEpsilon == file.normEpsilon)
        #expect(folder.attention.layers == file.attention.layers && folder.attention.scale == file.attention.scale)
        let text = Array("The than in 42 places\n".utf8)
        #expect(model.encode(text) == other.encode(text))
        for (mine, its) in zip(folder.attention.rotations, file.attention.rotations) {
            // GGUF's divisors are float32 that a converter computed.
            let pairs = zip(mine.frequencyDivisors ?? [], its.frequencyDivisors ?? [])
            #expect(mine.base == its.base && pairs.allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
            #expect(mine.frequencyDivisors?.count == its.frequencyDivisors?.count)
        }
    }

    /// Sequences of different lengths, so that the windows of a batch end at different places.
    @Test(arguments: variants)
    func stepsOfABatchAreThoseOfTransformers(_ variant: String) throws {
        let golden = try Golden(variant), model = try LanguageModel(path: Self.path(variant))
        let vocabulary = model.configuration.vocabularySize, lengths = [1, 13, 30, 47]
        let caches = try lengths.map { length in
            let cache = model.makeCache(capacity: golden.tokens.count)
            try model.forward(Array(golden.tokens[..<length]), cache: cache, logits: .none)
            return cache
        }
        let logits = try model.step(lengths.map { golden.tokens[$0] }, caches: caches).elements
        for (row, length) in lengths.enumerated() {
            expectClose(
                logits[row * vocabulary..<(row + 1) * vocabulary],
                golden.logits[length * vocabulary..<(length + 1) * vocabulary],
                "\(variant) at \(length)"
            )
        }
    }

    /// Eight bits are nearly exact, so that only a token that should not be seen, or is not, could part the two.
    @Test(arguments: ["mistral", "gemma3", "falcon-40b"])
    func packedCachesKeepTheWindows(_ variant: String) throws {
        let golden = try Golden(variant), model = try LanguageModel(path: Self.path(variant))
        let specification = try CacheSpecification(parsing: "kivi-8-g8-r8", accuracy: .exact)
        let cache = try specification.cache(shape: model.configuration.cacheShape, capacity: golden.tokens.count)
        var logits: [Float] = []
        for first in stride(from: 0, to: golden.tokens.count, by: 6) {
            let tokens = Array(golden.tokens[first..<first + 6])
            logits += try #require(try model.forward(tokens, cache: cache, logits: .all)).elements
        }
        let square = golden.logits.reduce(0.0) { $0 + Double($1) * Double($1) }
        let error = zip(logits, golden.logits).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        #expect((error / square).squareRoot() <= 0.02)
    }

    @Test func configurationsSayWhatTheirLayersSee() throws {
        func configuration(_ variant: String) throws -> ModelConfiguration { try .read(Self.path(variant)) }
        let gemma = try configuration("gemma3")
        #expect(gemma.attention.layers.map { $0.window } == [10, 10, 10, 10, 10, nil, 10])
        #expect((0..<7).map { gemma.attention.rotation(layer: $0).base } == [1e4, 1e4, 1e4, 1e4, 1e4, 1e6, 1e4])
        #expect(gemma.ropeBase == 1e6 && gemma.headDim == 16 && gemma.width == 32 && gemma.heads == 2)
        #expect(try configuration("mistral").attention.layers.allSatisfy { $0.window == 12 })
        let llama = try configuration("llama3-scaled").attention.rotations
        #expect(llama.count == 1)
        let divisors = try #require(llama.first?.frequencyDivisors)
        // The fastest pair turns as before, the slowest four times slower, one lies between.
        #expect(divisors.first == 1 && divisors.last == 4 && divisors.contains { $0 > 1 && $0 < 4 })
        #expect(try configuration("llama-linear").attention.rotations.first?.frequencyDivisors == [4, 4, 4, 4])
        #expect(try configuration("falcon-7b").kvHeads == 1)
        let scaled = try configuration("gemma3-scaled").attention.rotations
        #expect(scaled.map { $0.frequencyDivisors?.first } == [8, nil])
    }

    /// Qwen2's folder may say from which layer on there is a window, or of each layer.
    @Test func windowsBeginAtALayer() throws {
        let folder = Self.path("qwen2-window", .huggingFace)
        #expect(try ModelConfiguration.read(folder).attention.layers.map { $0.window } == [nil, 10, 10])
        let stated = try HuggingFaceConfigurationTests.withConfiguration(
            "qwen2-window",
            ["layer_types": nil]
        ) { try ModelConfiguration.read($0) }
        #expect(stated.attention.layers.map { $0.window } == [nil, 10, 10])
    }

    /// llama.cpp's converter writes no window for it.
    @Test func aFileThatLeavesOutAWindowSaysSo() throws {
        func notice(_ changes: [String: MetadataValue]) throws -> String? {
            var metadata: [String: MetadataValue] = ["llama.rope.freq_base": .float32(10_000)]
            let sizes = [
                "embedding_length": 4096, "block_count": 32, "attention.head_count": 32, "attention.head_count_kv": 8,
                "feed_forward_length": 14336, "context_length": 32768,
            ]
            for (key, size) in sizes { metadata["llama." + key] = .uint32(UInt32(size)) }
            metadata.merge(changes) { $1 }
            return try EditedModel(metadata: metadata, withoutKeys: ["llama.attention.key_length"]).with { path in
                try ModelConfiguration.read(path).notice
            }
        }
        #expect(try notice([:])?.contains("window of 4096 tokens") == true)
        #expect(try notice(["llama.rope.freq_base": .float32(1e6)]) == nil)
        #expect(try notice(["llama.attention.sliding_window": .uint32(4096)]) == nil)
    }

    /// Its scale has no key in GGUF.
    @Test func gemma27BIsKnownByItsLayers() throws {
        func scale(layers: Int) throws -> (Float, ModelConfiguration) {
            var metadata: [String: MetadataValue] = ["gemma3.block_count": .uint32(UInt32(layers))]
            // Apart from width over heads, as in that model.
            for side in ["key", "value"] { metadata["gemma3.attention.\(side)_length"] = .uint32(64) }
            return try EditedModel(architecture: "gemma3", metadata: metadata).with { path in
                let configuration = try ModelConfiguration.read(path)
                return (configuration.attention.scale, configuration)
            }
        }
        let (usual, _) = try scale(layers: 48), (its, configuration) = try scale(layers: 62)
        #expect(usual == 1 / Float(configuration.headDim).squareRoot())
        #expect(its == 1 / (Float(configuration.width) / Float(configuration.heads)).squareRoot())
        #expect(its != usual)
    }
}
