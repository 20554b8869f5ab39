import Foundation
import ModelFormats
import TensorCore
import Testing

@Suite struct GGUFFileTests {
    @Test func everyKindOfValueIsReadBack() throws {
        let file = try open(try soundFile())
        #expect(file.version == 3)
        #expect(file.keys.count == 17)
        #expect(file.keys.first == "general.architecture")
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.integer("a.uint8") == 255)
        #expect(try file.integer("a.int8") == -128)
        #expect(try file.integer("a.uint16") == 65535)
        #expect(try file.integer("a.int16") == -32768)
        #expect(try file.integer("a.uint32") == 4_294_967_295)
        #expect(try file.integer("a.int32") == -2_147_483_648)
        #expect(try file.integer("a.int64") == .min)
        #expect(file.metadata["a.uint64"] == .uint64(.max))
        #expect(try file.number("a.uint64") == 0x1p64)
        #expect(try file.number("a.float32") == 1.5)
        #expect(try file.number("a.float64") == -0.1)
        #expect(try file.number("a.int8") == -128)
        #expect(try file.boolean("a.boolean"))
        #expect(try file.strings("a.strings") == ["", "é", "日本", "Ġthe"])
        #expect(try file.strings("a.none") == [])
        #expect(try file.integers("a.int32s") == [-1, 0, 7])
        #expect(try file.numbers("a.int32s") == [-1, 0, 7])
        #expect(try file.numbers("a.float32s") == [0.5, -2])
        #expect(try file.booleans("a.booleans") == [true, false])
    }

    @Test func tensorsAreReadBackInOrder() throws {
        let file = try open(try soundFile())
        #expect(file.orderedTensors.map(\.name) == ["f32", "f16", "q8"])
        let f32 = try file.tensor("f32")
        #expect(f32.elementType == .float32 && f32.dimensions == [3, 2] && f32.elementCount == 6)
        #expect(Array(file.bytes(of: f32).bindMemory(to: Float.self)) == [1, 2, 3, 4, 5, 6])
        #expect(Array(file.bytes(of: try file.tensor("f16")).bindMemory(to: UInt16.self)) == [0x3C00, 0, 0xFC00, 1, 2])
        #expect(Array(file.bytes(of: try file.tensor("q8"))) == [UInt8](repeating: 9, count: 136))
        #expect(file.orderedTensors.allSatisfy { $0.byteOffset.isMultiple(of: 32) })
    }

    /// Versions 2 and 3 differ in nothing but the number for a little-endian file.
    @Test func version2IsRead() throws {
        var bytes = try soundFile()
        bytes[4] = 2
        #expect(try open(bytes).version == 2)
    }

    @Test(arguments: [8, 64, 4096]) func otherAlignments(alignment: Int) throws {
        var writer = GGUFWriter(alignment: alignment)
        try writer.add("a", dimensions: [1], floats: [1])
        try writer.add("b", dimensions: [1], floats: [2])
        let file = try open(writer.encoded())
        #expect(file.alignment == alignment)
        #expect(file.orderedTensors.allSatisfy { $0.byteOffset.isMultiple(of: alignment) })
        #expect(Array(file.bytes(of: try file.tensor("b")).bindMemory(to: Float.self)) == [2])
    }

    @Test(arguments: ElementType.allCases) func everyElementTypeIsReadBack(type: ElementType) throws {
        var writer = GGUFWriter()
        let columns = type.elementsPerBlock * 3
        let bytes = (0..<6 * type.bytesPerBlock).map { UInt8(truncatingIfNeeded: $0) }
        try writer.add("t", elementType: type, dimensions: [columns, 2], bytes: bytes)
        let file = try open(writer.encoded())
        #expect(try file.tensor("t").elementType == type)
        #expect(Array(file.bytes(of: try file.tensor("t"))) == bytes)
    }

    @Test func fileWithoutTensorsMayEndUnpadded() throws {
        var raw = RawGGUF(keys: 1)
        raw.key("a", kind: 0)
        raw.integer(UInt8(5))
        #expect(try open(raw.bytes).integer("a") == 5)
    }

    // MARK: - Getters

    @Test func missingKeyNamesTheNearest() throws {
        let file = try open(try soundFile())
        let error = #expect(throws: MetadataError.self) { try file.string("general.architectur") }
        #expect(error?.reason == .missingKey("general.architectur", nearest: "general.architecture"))
        #expect(error?.description.contains("test.gguf") == true)
        #expect(try file.stringIfPresent("general.architectur") == nil)
        #expect(try file.integersIfPresent("none") == nil)
    }

    @Test func missingTensorNamesTheNearest() throws {
        let file = try open(try soundFile())
        let error = #expect(throws: MetadataError.self) { try file.tensor("f33") }
        #expect(error?.reason == .missingTensor("f33", nearest: "f32"))
    }

    @Test func anotherKindIsAnErrorEvenIfOptional() throws {
        let file = try open(try soundFile())
        let error = #expect(throws: MetadataError.self) { try file.integerIfPresent("general.architecture") }
        #expect(error?.description.contains("the string 'llama'; expected an integer") == true)
        #expect(throws: MetadataError.self) { try file.string("a.uint8") }
        #expect(throws: MetadataError.self) { try file.integer("a.float32") }
        #expect(throws: MetadataError.self) { try file.integer("a.boolean") }
        #expect(throws: MetadataError.self) { try file.integer("a.uint64") }
        #expect(throws: MetadataError.self) { try file.number("a.boolean") }
        #expect(throws: MetadataError.self) { try file.boolean("a.uint8") }
        #expect(throws: MetadataError.self) { try file.strings("general.architecture") }
        #expect(throws: MetadataError.self) { try file.strings("a.int32s") }
        #expect(throws: MetadataError.self) { try file.integers("a.float32s") }
        #expect(throws: MetadataError.self) { try file.numbers("a.strings") }
        #expect(throws: MetadataError.self) { try file.booleans("a.int32s") }
    }

    /// A vocabulary is decoded on demand, and so is its damage found.
    @Test func stringArrayThatIsNotUTF8FailsWhenAskedFor() throws {
        var raw = RawGGUF(keys: 1)
        raw.key("words", kind: 9)
        raw.integer(UInt32(8))
        raw.integer(UInt64(1))
        raw.integer(UInt64(2))
        raw.bytes += [0x61, 0xFF]
        let file = try open(raw.bytes)
        let error = #expect(throws: MetadataError.self) { try file.strings("words") }
        #expect(error?.description.contains("not UTF-8") == true)
    }

    // MARK: - A real file

    @Test(.enabled(if: TestModels.hasSmolLM2)) func smollm2IsRead() throws {
        let file = try GGUFFile(path: TestModels.smollm2)
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.integer("llama.block_count") == 30)
        #expect(try file.strings("tokenizer.ggml.tokens").count == 49152)
        #expect(file.orderedTensors.count == 272)
        #expect(
            Dictionary(grouping: file.orderedTensors, by: \.elementType).mapValues(\.count) == [
                .q4_1: 210, .q8_0: 1, .float32: 61,
            ]
        )
        let last = try #require(file.orderedTensors.map { $0.byteOffset + $0.byteCount }.max())
        #expect(last == file.file.byteCount)
    }
}
