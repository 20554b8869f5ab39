import Foundation
import ModelFormats
import Testing

/// What the fuzzers begin with and what they have found: each file is read or refused with a message.
@Suite struct FuzzCorpusTests {
    /// Files of `Tests/Fuzzing/Corpus/PARSER`.
    private func files(_ parser: String) throws -> [MappedFile] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fuzzing/Corpus/\(parser)").path
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            try MappedFile(path: "\(folder)/\(name)")
        }
    }

    private func read(_ parser: String, _ body: (MappedFile) throws -> Void) throws {
        let all = try files(parser)
        #expect(!all.isEmpty)
        for file in all {
            do { try body(file) } catch {
                #expect("\(error)".hasPrefix(file.path), "no place in: \(error)")
            }
        }
    }

    @Test func gguf() throws {
        try read("gguf") { file in
            let gguf = try GGUFFile(file: file)
            for tensor in gguf.orderedTensors { #expect(gguf.bytes(of: tensor).count == tensor.byteCount) }
        }
    }

    @Test func safetensors() throws {
        try read("safetensors") { file in
            let safetensors = try SafetensorsFile(file: file)
            for tensor in safetensors.orderedTensors {
                #expect(safetensors.bytes(of: tensor).count == tensor.byteCount)
            }
        }
    }

    @Test func safetensorsIndex() throws {
        try read("safetensors-index") { file in
            let index = try SafetensorsIndex(file: file)
            #expect(!index.shardOfTensor.isEmpty)
        }
    }

    @Test func modelConfiguration() throws {
        try read("model-configuration") { file in
            let configuration = try HuggingFaceConfiguration(file: file)
            #expect(configuration.keys.count == configuration.metadata.count)
        }
    }

    /// The seeds are sound, so that a fuzzer begins deep in the parser.
    @Test(arguments: ["scalars", "arrays", "tensors", "aligned"]) func seedsOfGGUFAreRead(name: String) throws {
        let file = try files("gguf").first { $0.path.hasSuffix("/\(name)") }
        _ = try GGUFFile(file: try #require(file))
    }
}
