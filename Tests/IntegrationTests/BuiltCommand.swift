import Foundation
import Inference
import ModelFormats

/// The built `kvatlas`, which lies beside the test bundle, run as a user runs it.
struct BuiltCommand {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    static let url = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("kvatlas")

    static func start(_ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil) throws
        -> Started
    {
        try Started(arguments, environment: environment, folder: folder)
    }

    @discardableResult
    static func run(_ arguments: String..., environment: [String: String] = [:], in folder: URL? = nil) throws
        -> Outcome
    {
        try start(arguments, environment: environment, in: folder).wait()
    }

    /// A command that runs; its output goes to files, so that no pipe can fill up.
    final class Started {
        let process = Process()
        private let folder: TemporaryFolder

        init(_ arguments: [String], environment: [String: String], folder working: URL?) throws {
            folder = try TemporaryFolder()
            process.executableURL = BuiltCommand.url
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            if let working { process.currentDirectoryURL = working }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try folder.openForWriting("out")
            process.standardError = try folder.openForWriting("err")
            try process.run()
        }

        func wait() throws -> Outcome {
            process.waitUntilExit()
            return Outcome(
                code: process.terminationStatus,
                // A model of random weights writes bytes that are no characters.
                output: String(decoding: try Data(contentsOf: folder["out"]), as: UTF8.self),
                errors: String(decoding: try Data(contentsOf: folder["err"]), as: UTF8.self)
            )
        }
    }
}

/// A folder that goes away with the value.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(name: String) -> URL { url.appendingPathComponent(name) }

    func path(_ name: String) -> String { self[name].path }

    func openForWriting(_ name: String) throws -> FileHandle {
        try Data().write(to: self[name])
        return try FileHandle(forWritingTo: self[name])
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(to: self[name], atomically: true, encoding: .utf8)
        return path(name)
    }

    func names(in name: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? []).sorted()
    }

    /// A tiny model with random weights and a text for it; `times` makes the text longer.
    func addModelAndText(contextLength: Int = 1024, layers: Int = 2, times: Int = 1) throws {
        var shape = RandomModel.Shape()
        shape.contextLength = contextLength
        shape.layers = layers
        try RandomModel.write(path: path("model.gguf"), seed: 7, shape: shape)
        let sentence = "The tide comes in, and the tide goes out again; nobody wrote down the ordinary ones. "
        try write(String(repeating: sentence, count: times), to: "text.txt")
    }

    /// Writes the model anew with another token that ends a text.
    func setEndToken(_ token: Int) throws {
        try rewriteModel(metadata: { if $0 == "tokenizer.ggml.eos_token_id" { $1 = .uint32(UInt32(token)) } })
    }

    /// Writes the model anew so that it never chooses its end token: of zeros, that has a logit of zero.
    func silenceEndToken() throws {
        try rewriteModel(tensor: { name, rowBytes, bytes in
            guard name == "token_embd.weight" else { return }
            bytes.replaceSubrange(bytes.count - rowBytes..<bytes.count, with: [UInt8](repeating: 0, count: rowBytes))
        })
    }

    func rewriteModel(
        metadata change: (String, inout MetadataValue) -> Void = { _, _ in },
        tensor edit: (_ name: String, _ rowBytes: Int, inout [UInt8]) -> Void = { _, _, _ in }
    ) throws {
        let source = try GGUFFile(path: path("model.gguf"))
        var writer = GGUFWriter()
        for key in source.keys {
            guard var value = source.metadata[key] else { continue }
            change(key, &value)
            writer.set(key, value)
        }
        for tensor in source.orderedTensors {
            var bytes = Array(source.bytes(of: tensor))
            edit(tensor.name, bytes.count / tensor.dimensions.dropFirst().reduce(1, *), &bytes)
            try writer.add(
                tensor.name,
                elementType: tensor.elementType,
                dimensions: tensor.dimensions,
                bytes: bytes
            )
        }
        try writer.write(to: path("model.gguf"), overwrite: true)
    }
}
