import Foundation
import ModelFormats
import TensorCore
import Testing

/// A folder of its own for each test that writes, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

/// A model that may be there or not.
enum TestModels {
    static let smollm2: String = {
        let repository = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let folder = ProcessInfo.processInfo.environment["KVATLAS_MODELS"].map { URL(fileURLWithPath: $0) }
        return (folder ?? repository.appending(path: "data/models"))
            .appending(path: "SmolLM2-135M-Instruct.Q4_1.gguf").path
    }()

    static var hasSmolLM2: Bool { FileManager.default.fileExists(atPath: smollm2) }
}

func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(file: MappedFile(copying: bytes, name: "test.gguf"))
}

/// The error that opening these bytes gives; its message is checked for place and advice.
func failure(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> GGUFError? {
    let error = #expect(throws: GGUFError.self, sourceLocation: sourceLocation) { try open(bytes) }
    if let error {
        #expect(error.description.hasPrefix("test.gguf"), sourceLocation: sourceLocation)
        #expect(error.remedy?.isEmpty == false, sourceLocation: sourceLocation)
        #expect((error.byteOffset ?? 0) <= bytes.count, sourceLocation: sourceLocation)
    }
    return error
}

func failure(_ raw: RawGGUF, sourceLocation: SourceLocation = #_sourceLocation) -> GGUFError? {
    failure(raw.bytes, sourceLocation: sourceLocation)
}

/// A small sound file with every kind of value and several element types.
func soundFile() throws -> [UInt8] {
    var writer = GGUFWriter()
    writer.set("general.architecture", .string("llama"))
    writer.set("a.uint8", .uint8(255))
    writer.set("a.int8", .int8(-128))
    writer.set("a.uint16", .uint16(65535))
    writer.set("a.int16", .int16(-32768))
    writer.set("a.uint32", .uint32(4_294_967_295))
    writer.set("a.int32", .int32(-2_147_483_648))
    writer.set("a.float32", .float32(1.5))
    writer.set("a.boolean", .boolean(true))
    writer.set("a.uint64", .uint64(.max))
    writer.set("a.int64", .int64(.min))
    writer.set("a.float64", .float64(-0.1))
    writer.set("a.strings", strings: ["", "é", "日本", "Ġthe"])
    writer.set("a.int32s", .array(MetadataArray(int32s: [-1, 0, 7])))
    writer.set("a.float32s", .array(MetadataArray(float32s: [0.5, -2])))
    writer.set("a.booleans", .array(MetadataArray(kind: .boolean, values: [.boolean(true), .boolean(false)])))
    writer.set("a.none", strings: [])
    try writer.add("f32", dimensions: [3, 2], floats: [1, 2, 3, 4, 5, 6])
    try writer.add("f16", dimensions: [5], halves: [0x3C00, 0, 0xFC00, 1, 2])
    try writer.add("q8", elementType: .q8_0, dimensions: [64, 1, 2], bytes: [UInt8](repeating: 9, count: 4 * 34))
    return writer.encoded()
}
