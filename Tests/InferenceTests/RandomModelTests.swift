import Foundation
import Inference
import ModelFormats
import TensorCore
import Testing

struct RandomModelTests {
    private func bytes(_ architecture: String = "llama", seed: UInt64) throws -> Data {
        try TestModels.withRandomModel(architecture, seed: seed) { try Data(contentsOf: URL(filePath: $0)) }
    }

    @Test func theSeedDecidesTheFile() throws {
        #expect(try bytes(seed: 5) == bytes(seed: 5))
        #expect(try bytes(seed: 5) != bytes(seed: 6))
        #expect(try bytes(seed: 5) != bytes("qwen2", seed: 5))
    }

    @Test func itsTokenizerEncodesEveryByte() throws {
        try TestModels.withRandomModel { path in
            let tokenizer = try LanguageModel(path: path).tokenizer
            let all = [UInt8](UInt8.min...UInt8.max)
            #expect(tokenizer.decode(tokenizer.encode(all)) == all)
            #expect(tokenizer.encode("in the").count < 6, "its merges are used")
            #expect(tokenizer.endOfTextTokens == Set(tokenizer.encode(RandomModel.endText, parseSpecial: true)))
            #expect(tokenizer.beginToken == nil)
        }
    }

    @Test func itSaysThatItIsRandom() throws {
        try TestModels.withRandomModel(seed: 9) { path in
            let model = try LanguageModel(path: path)
            #expect(model.configuration.name == "random llama, seed 9")
            #expect(model.weightTypeSummary == "f32 ×20")
            #expect(
                model.parameterCount == (try GGUFFile(path: path)).orderedTensors.reduce(0) { $0 + $1.elementCount }
            )
        }
    }

    /// Longer than gemma3's window.
    @Test(arguments: ArchitectureCatalogue.all.map { $0.id })
    func everyArchitectureRunsAndStepsAsItReads(_ architecture: String) throws {
        var shape = RandomModel.Shape()
        (shape.contextLength, shape.layers) = (160, 7)
        try TestModels.withRandomModel(architecture, shape: shape) { path in
            let model = try LanguageModel(path: path), tokens = (0..<48).map { Int32($0 * 5 % 250) }
            #expect(model.configuration.architecture == architecture)
            let whole = try #require(try model.forward(tokens, cache: model.makeCache(capacity: 48))).elements
            let cache = model.makeCache(capacity: 48)
            var stepped: [Float] = []
            for token in tokens { stepped = try #require(try model.forward([token], cache: cache)).elements }
            let size = whole.reduce(0) { max($0, abs($1)) }
            #expect(size > 0.1 && zip(whole, stepped).allSatisfy { abs($0 - $1) < 1e-3 * size })
        }
    }

    @Test(arguments: ArchitectureCatalogue.all.map { $0.id })
    func itsKeysHaveAnOutlierChannelInEachHead(_ architecture: String) throws {
        try TestModels.withRandomModel(architecture) { path in
            let model = try LanguageModel(path: path)
            let tap = KeepingTap { tensor, _ in tensor == .keyPreRope }
            let tokens = (0..<64).map { Int32($0) }
            try model.forward(tokens, cache: model.makeCache(capacity: 64), logits: .none, tap: tap)
            for (_, values) in tap.values {
                for head in 0..<2 {
                    let largest = (0..<32).map { channel in
                        (0..<64).reduce(Float(0)) { max($0, abs(values[$1 * 64 + head * 32 + channel])) }
                    }
                    #expect(largest[0] > 3 * largest.dropFirst().reduce(0, max))
                }
            }
        }
    }

    @Test func halfPrecisionWeightsAreCloseToFloat32() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let logits = try [ElementType.float32, .float16].map { type in
            try RandomModel.write(path: path, seed: 1, elementType: type)
            let model = try LanguageModel(path: path)
            return try #require(try model.forward([1, 2, 3], cache: model.makeCache(capacity: 3))).elements
        }
        #expect(logits[0] != logits[1])
        #expect(zip(logits[0], logits[1]).allSatisfy { abs($0 - $1) < 0.1 })
    }

    @Test func unknownArchitecturesAndTypesAreRefused() {
        #expect(throws: ModelError.self) { try RandomModel.write(path: "/nowhere", architecture: "gpt9", seed: 1) }
        #expect(throws: ModelError.self) { try RandomModel.write(path: "/nowhere", seed: 1, elementType: .q4_0) }
    }
}
