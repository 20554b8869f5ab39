import Benchmarks
import Foundation
import Inference
import TensorCore
import Testing

@Suite struct DecodeBenchmarkTests {
    private func run(
        caches: [String] = ["full-f16", "kivi-2-g32-r32"],
        prompts: [Int] = [150],
        steps: Int = 40,
        _ change: (inout DecodeBenchmark, LanguageModel) throws -> Void
    ) throws -> [Table.RowView] {
        let path = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RandomModel.write(path: path, seed: 3)
        let model = try LanguageModel(path: path)
        var benchmark = DecodeBenchmark(
            model: model,
            tokens: (0..<100).map { Int32($0 * 7 % 250) },
            weights: "random",
            caches: try caches.map { try CacheSpecification(parsing: $0) }
        )
        (benchmark.prompts, benchmark.steps) = (prompts, steps)
        try change(&benchmark, model)
        return try benchmark.run().rowViews
    }

    @Test func bytesAreThoseAtTheEndAndThePeakIsNoLess() throws {
        let rows = try run { benchmark, _ in benchmark.batches = [2] }
        #expect(rows.map { $0.string("cache") } == ["full-f16", "kivi-2-g32-r32"])
        for row in rows {
            func bytes(_ name: String) throws -> Int { try #require(row.integer(name)) }
            #expect(row.integer("prompt_tokens") == 150 && row.integer("output_tokens") == 40)
            let all = try bytes("cache_bytes"), peak = try bytes("peak_cache_bytes")
            let parts = ["code_bytes", "scale_bytes", "full_precision_bytes", "unused_bytes"]
            #expect(try all == parts.reduce(0) { try $0 + bytes($1) })
            #expect(try bytes("peak_bytes") == bytes("weight_bytes") + peak)
            #expect(try bytes("needed_bytes") >= bytes("peak_bytes"))
            #expect(row.number("budget_bytes") == nil && row.number("largest_batch") == nil)
        }
        // 190 tokens of 2 layers, 2 heads and 32 channels, keys and values, in float16, twice.
        #expect(rows[0].integer("full_precision_bytes") == 2 * 190 * 2 * 2 * 32 * 2 * 2)
        #expect(rows[0].number("speed_up") == 1 && (rows[1].number("compression") ?? 0) > 1.5)
    }

    @Test func batchesBeyondTheBudgetHaveRowsWithoutTimes() throws {
        let rows = try run { benchmark, model in
            benchmark.batches = [1, 4]
            benchmark.budgetBytes = model.weightBytes + 300_000
        }
        #expect(rows.count == 4)
        for row in rows {
            let needed = try #require(row.integer("needed_bytes")), budget = try #require(row.integer("budget_bytes"))
            #expect((row.number("step_seconds") == nil) == (needed > budget))
            #expect((row.number("peak_bytes") == nil) == (needed > budget))
            let batch = try #require(row.integer("batch")), largest = try #require(row.integer("largest_batch"))
            #expect((batch <= largest) == (needed <= budget))
        }
        #expect(
            rows.contains { $0.number("step_seconds") == nil } && rows.contains { $0.number("step_seconds") != nil }
        )
    }

    @Test func theLargestBatchIsMeasuredForEachCache() throws {
        let rows = try run { benchmark, model in
            benchmark.batches = []
            benchmark.measuresLargestBatch = true
            benchmark.budgetBytes = model.weightBytes + 1_000_000
        }
        #expect(rows.count == 2)
        for row in rows {
            #expect(row.integer("batch") == row.integer("largest_batch") && (row.integer("batch") ?? 0) > 1)
            #expect((row.integer("peak_bytes") ?? .max) <= (row.integer("budget_bytes") ?? 0))
            #expect((row.number("tokens_per_second") ?? 0) > 0)
        }
        #expect((rows[1].integer("batch") ?? 0) > (rows[0].integer("batch") ?? 0))
        #expect(throws: ModelError.self) {
            _ = try run { benchmark, _ in benchmark.measuresLargestBatch = true }
        }
    }
}
