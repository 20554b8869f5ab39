import Foundation
import Inference
import Kernels
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// What the system counts beside what is accounted. Other tests would be counted with it, so it runs with
/// `KVATLAS_BENCHMARKS=1` only, by itself.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil))
struct ResidentMemoryTests {
    /// Resident bytes that are no file's; `nil` without `/proc`.
    private static func anonymousBytes() -> Int? {
        #if canImport(Glibc)
            // What was freed, activations that is, and is kept for later.
            typealias Trim = @convention(c) (Int) -> Int32
            if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: Trim.self)(0) }
        #endif
        return statusBytes("RssAnon")
    }

    /// A size that the system states of this process; `nil` without `/proc`.
    private static func statusBytes(_ key: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// The most that was resident, mapped weights with it, from opening the model to its 64th token.
    @Test(
        arguments: [TestModels.smolLM2, TestModels.gemma, TestModels.qwen, TestModels.largeQwen]
            .filter { TestModels.exists($0) }
    )
    func generationTakesTheFileTheCacheAnd300MB(_ name: String) throws {
        // From here on, the peak is counted anew; other systems have no such file.
        guard (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil else { return }
        let path = TestModels.path(name), model = try LanguageModel(path: path)
        let text = model.encode(Array(try TestModels.fixture("alice.txt")))
        let cache = model.makeCache(capacity: 576, precision: .float16)
        try model.forward(Array(text.prefix(512)), cache: cache)
        for token in text[512..<576] { try model.forward([token], cache: cache) }
        let peak = try #require(Self.statusBytes("VmHWM"))
        let file = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        let beside = peak - file - cache.bytes.total
        print("\(name): peak \(peak), file \(file), cache \(cache.bytes.total), beside them \(beside) bytes")
        #expect(beside <= 300_000_000)
    }

    @Test(
        .enabled(if: TestModels.exists(TestModels.smolLM2)),
        arguments: [("full-f16", 2048), ("kivi-2-g32-r128", 2048), ("kivi-2-g32-r128", 4000)]
    )
    func aPromptTakesWhatIsAccounted(_ name: String, _ length: Int) throws {
        guard Self.anonymousBytes() != nil else { return }
        let model = try LanguageModel(path: TestModels.path(TestModels.smolLM2))
        let text = model.encode(Array(try TestModels.fixture("alice.txt")))
        let prompt = (0..<length).map { text[$0 % text.count] }, arena = PageArena()
        // Buffers that stay for other calls, of the matrix library and of threads: all that a long prompt uses.
        let warm = try CacheSpecification(parsing: name).cache(
            shape: model.configuration.cacheShape,
            capacity: 1024,
            arena: PageArena()
        )
        try model.forward(Array(prompt.prefix(1024)), cache: warm, logits: .none)
        let warmBytes = warm.bytes.total
        let cache = try CacheSpecification(parsing: name).cache(
            shape: model.configuration.cacheShape,
            capacity: length,
            arena: arena
        )
        let before = try #require(Self.anonymousBytes())
        try model.forward(prompt, cache: cache, logits: .none)
        let growth = Double(try #require(Self.anonymousBytes()) - before), taken = Double(arena.allocatedBytes)
        print(name, length, "resident", growth, "taken", taken, "pages", arena.pageBytes, "peak", arena.peakPageBytes)
        #expect(abs(growth - taken) <= 0.05 * taken)
        // One slab is not full.
        #expect(arena.allocatedBytes <= arena.pageBytes + (2 << 20))
        #expect(cache.length == length && warm.bytes.total == warmBytes)
    }
}
