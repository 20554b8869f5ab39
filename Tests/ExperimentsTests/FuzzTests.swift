import Capture
import Experiments
import Foundation
import Inference
import ModelFormats
import Quantization
import Reporting
import TensorCore
import Testing

/// Outside the suite: a trait that names its own suite is a circular reference for the macro.
private let fuzzSeconds = ProcessInfo.processInfo.environment["KVATLAS_FUZZ_SECONDS"].flatMap { Double($0) }

/// Damaged input for every reader of ours, as long as `KVATLAS_FUZZ_SECONDS` says.
///
/// Input is refused with a message or read; it never crashes. The file that
/// crashed a reader is left in the folder that is printed first.
@Suite(.serialized, .enabled(if: fuzzSeconds != nil))
struct FuzzTests {
    private static let readerCount = 8.0

    /// Runs `body` on damaged copies of `sound` for this test's share of the time.
    private func fuzz(_ name: String, _ sound: [UInt8], _ body: (_ path: String) throws -> Void) throws {
        let seed = UInt64(Date().timeIntervalSince1970)
        var generator = SeededGenerator(seed: seed)
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvatlas-fuzz-\(name)-\(seed)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        print("fuzzing \(name): seed \(seed), input in \(folder.path)")
        let path = folder.appending(path: name).path
        let end = Date().addingTimeInterval((fuzzSeconds ?? 0) / Self.readerCount)
        var rounds = 0
        var refused = 0
        while Date() < end {
            try Data(damaged(sound, &generator)).write(to: URL(filePath: path))
            do { try body(path) } catch {
                refused += 1
                #expect(error is any ActionableError, "\(name), round \(rounds): \(error)")
            }
            rounds += 1
        }
        print("fuzzing \(name): \(rounds) inputs, \(refused) refused")
        #expect(rounds > 0)
        try FileManager.default.removeItem(at: folder)
    }

    /// A few changed bytes, a piece doubled, removed or moved, or an early end.
    private func damaged(_ sound: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = sound
        let extremes: [UInt8] = [0, 1, 9, 10, 0x22, 0x3A, 0x7F, 0x80, 0xFF]
        for _ in 0...Int.random(in: 0..<4, using: &generator) where !bytes.isEmpty {
            let start = Int.random(in: 0..<bytes.count, using: &generator)
            let end = Int.random(in: start...min(bytes.count, start + 64), using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 2: bytes.removeLast(bytes.count - start)
            case 3: bytes[start] = extremes[Int.random(in: 0..<extremes.count, using: &generator)]
            default: bytes[start] = UInt8.random(in: 0...255, using: &generator)
            }
        }
        return bytes
    }

    @Test func modelsNeverCrash() throws {
        try TestRun.with { run in
            let sound = [UInt8](try Data(contentsOf: URL(filePath: run.path("model.gguf"))))
            try fuzz("model.gguf", sound) { path in
                let model = try LanguageModel(path: path)
                let cache = model.makeCache(capacity: 4)
                _ = try model.forward([0, 1], cache: cache, logits: .last, tap: nil)
            }
        }
    }

    @Test func manifestsNeverCrash() throws {
        try TestRun.with { run in
            let head = TestRun.head.replacingOccurrences(of: "model.gguf", with: run.path("model.gguf"))
                .replacingOccurrences(of: "text.txt", with: run.path("text.txt"))
            try fuzz("experiment.yaml", Array((head + ManifestLoadingTests.everything).utf8)) { path in
                _ = try Manifest.load(path).resolvedYAML()
            }
        }
    }

    @Test func tablesNeverCrash() throws {
        let text = "layer,tensor,value\n0,key,1.5\n1,\"a \"\"b\"\"\",-2e-3\n2,,nan\n"
        try fuzz("table.csv", Array(text.utf8)) { path in _ = try CSV.read(path) }
    }

    @Test func schemesNeverCrash() throws {
        let text = "rtn-int2-channel-g32/rtn-int4-token-whole+window=128+sink=4"
        try fuzz("scheme.txt", Array(text.utf8)) { path in
            let bytes = try Data(contentsOf: URL(filePath: path))
            let scheme = try CacheScheme(parsing: String(decoding: bytes, as: UTF8.self))
            #expect(try CacheScheme(parsing: scheme.id) == scheme)
        }
    }

    /// Arrays of other programs, each as a whole import: header, members, elements.
    @Test(arguments: [
        "tiny-llama.npz", "tiny-llama-deflated.npz", "stacked-key.npy", "tiny-llama-bfloat16.safetensors",
    ])
    func importsNeverCrash(name: String) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/import")
        let sound = [UInt8](try Data(contentsOf: fixtures.appending(path: name)))
        let isStacked = name.hasPrefix("stacked"), isBatch = name.hasSuffix(".npz")
        let axes = isStacked ? "layer,token,head*channel" : isBatch ? "batch,head,token,channel" : "token,head,channel"
        // Its name says which tensor a lone array is.
        try fuzz(isStacked ? "key.npy" : name, sound) { path in
            var options = CaptureImport.Options(axes: try ImportAxes(parsing: axes))
            options.description.kvHeads = isStacked ? 2 : nil
            options.tensors = [.query, .key, .value]
            let out = path + ".h5"
            defer { try? FileManager.default.removeItem(atPath: out) }
            _ = try CaptureImport(files: [path], options: options).run(to: out, command: "", toolVersion: "")
            #expect(try CaptureFile(path: out).isComplete)
        }
    }
}
