import Benchmarks
import Kernels
import TensorCore
import Testing

@Suite struct BenchmarkCatalogueTests {
    @Test(arguments: [
        "memory-read", "attention-float16", "attention-float32", "scores-float16", "values-float16",
        "attention-float16-gqa4", "half-to-float", "float-to-half", "quantize-keys-2bit", "quantize-values-1bit",
        "dequantize-keys-8bit", "dequantize-values-4bit", "statistics-sweep", "statistics-sweep-channel",
        "hadamard-128", "attention-kivi2-fast", "scores-kivi2-exact",
        "values-kivi4-fast", "attention-kivi2-fast-gqa4", "softmax",
        "rms-norm", "rope", "gemv-q4_0", "gemv-q4_1", "gemv-q5_0", "gemv-q8_0", "gemv-q4_k", "gemv-q6_k", "gemv-f16",
    ])
    func hasTheNamesThatResultsCarry(name: String) { #expect(BenchmarkCatalogue.names.contains(name)) }

    @Test(arguments: BenchmarkCatalogue.all.map { $0.name })
    func namesAreKebabAndSummariesSayWhichBytesCount(name: String) throws {
        let benchmark = try #require(BenchmarkCatalogue.named(name))
        #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || "-_".contains($0) })
        #expect(benchmark.summary.contains("bytes:") && !benchmark.group.isEmpty)
    }

    @Test func groupsAreNotTorn() {
        let groups = BenchmarkCatalogue.all.map { $0.group }
        let runs = zip(groups, groups.dropFirst()).filter { $0 != $1 }.count + 1
        #expect(runs == Set(groups).count)
    }

    @Test func aWholeNameAsksForThatOneOnly() throws {
        #expect(try BenchmarkCatalogue.matching("attention-float16").map { $0.name } == ["attention-float16"])
    }

    @Test func aPartAsksForAllThatHoldIt() throws {
        let found = try BenchmarkCatalogue.matching("gemv").map { $0.name }
        #expect(found.count == ElementType.allCases.count && found.allSatisfy { $0.hasPrefix("gemv-") })
    }

    @Test func listsKeepTheCataloguesOrder() throws {
        let found = try BenchmarkCatalogue.matching("rope, memory-read,rope").map { $0.name }
        #expect(found == ["memory-read", "rope"])
    }

    @Test func nothingAsksForAll() throws {
        #expect(try BenchmarkCatalogue.matching(nil).count == BenchmarkCatalogue.all.count)
    }

    @Test(arguments: [
        ("atention-float16", "attention-float16"), ("gemv-q4k", "gemv-q4_k"), ("memory_read", "memory-read"),
    ])
    func aMistypedNameIsRefusedWithTheNearest(typed: String, nearest: String) throws {
        let error = try #require(throws: BenchmarkError.self) { try BenchmarkCatalogue.matching("rope,\(typed)") }
        #expect(error.description.contains(typed) && error.description.contains("'\(nearest)'"))
    }

    @Test(arguments: ["", "rope,", " ", "zzzz"]) func whatAsksForNoneIsRefused(filter: String) {
        #expect(throws: BenchmarkError.self) { try BenchmarkCatalogue.matching(filter) }
    }

    /// Sizes that no kernel's blocks divide, and those that they do.
    @Test(arguments: BenchmarkCatalogue.names, [(33, 128, 2), (5, 7, 1)])
    func everyBenchmarkRuns(name: String, size: (tokens: Int, headDim: Int, heads: Int)) throws {
        let benchmark = try #require(BenchmarkCatalogue.named(name))
        let workload = Workload(
            residence: .cache,
            tokens: size.tokens,
            headDim: size.headDim,
            kvHeads: size.heads
        )
        let prepared = try benchmark.prepare(workload)
        prepared.run()
        prepared.run()
        #expect(prepared.bytes > 0 && prepared.tokens > 0 && prepared.headDim > 0)
    }

    @Test func bytesAreThoseOfTheirDefinition() throws {
        let workload = Workload(residence: .cache, tokens: 64, headDim: 128, kvHeads: 3)
        func bytes(_ name: String) throws -> Int {
            try #require(BenchmarkCatalogue.named(name)).prepare(workload).bytes
        }
        let elements = 3 * 64 * 128
        #expect(try bytes("memory-read") == 4 * elements)
        #expect(try bytes("attention-float16") == 4 * elements)
        #expect(try bytes("attention-float16-gqa4") == 4 * elements)
        #expect(try bytes("scores-float32") == 4 * elements)
        #expect(try bytes("half-to-float") == 6 * elements)
        #expect(try bytes("statistics-sweep") == 2 * elements)
        // Two bits a code; a float16 scale and minimum for 32.
        #expect(try bytes("quantize-keys-2bit") == 2 * elements + elements / 4 + 4 * elements / 32)
        #expect(try bytes("dequantize-values-4bit") == 4 * elements + elements / 2 + 4 * elements / 32)
    }
}
