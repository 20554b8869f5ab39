import Benchmarks
import Foundation
import Kernels
import Testing

@Suite struct KernelBenchmarkRunTests {
    @Test func aMeasurementHasTheMembersOfTheFormatAndNullForNoRival() throws {
        let measurement = KernelMeasurement(
            name: "memory-read",
            isa: "avx2",
            residence: .memory,
            threads: 2,
            tokens: 4,
            headDim: 8,
            bytes: 128,
            gigabytesPerSecond: 1.5,
            shareOfMemoryRead: 1,
            ratioToFloat16: nil,
            spread: 0.25
        )
        let data = try JSONEncoder().encode([measurement])
        let rows = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let names: Set = [
            "name", "isa", "residence", "threads", "tokens", "headDim", "bytes", "gigabytesPerSecond",
            "shareOfMemoryRead", "ratioToFloat16", "spread",
        ]
        #expect(rows.count == 1 && Set(rows[0].keys) == names)
        #expect(rows[0]["ratioToFloat16"] is NSNull)
        #expect(rows[0]["residence"] as? String == "memory")
        #expect(try JSONDecoder().decode([KernelMeasurement].self, from: data) == [measurement])
    }

    @Test func memoryWorkExceedsTheLastLevelManyTimesAndCacheWorkFitsTheSecond() throws {
        let sizes = CacheSizes(secondLevel: 1 << 20, lastLevel: 32 << 20, memory: 24 << 30)
        let memory = try Workload(residence: .memory, tokens: 32_768, headDim: 128, sizes: sizes)
        #expect(memory.tokens == 32_768 && memory.float16Bytes >= 16 * sizes.lastLevel)
        // At most one head more than is needed.
        #expect(memory.float16Bytes < 16 * sizes.lastLevel + 4 * 32_768 * 128)
        let cache = try Workload(residence: .cache, tokens: 32_768, headDim: 128, sizes: sizes)
        #expect(cache.kvHeads == 1 && cache.tokens == 1024 && cache.float16Bytes == 512 << 10)
    }

    @Test(arguments: [1 << 30, 4 << 30]) func aSmallMachineIsNotFilled(memory: Int) throws {
        let sizes = CacheSizes(secondLevel: 256 << 10, lastLevel: 256 << 20, memory: memory)
        let workload = try Workload(residence: .memory, tokens: 4096, headDim: 128, sizes: sizes)
        #expect(workload.kvHeads >= 1 && workload.float16Bytes <= memory / 8)
    }

    @Test(arguments: [(1 << 40, 128), (1 << 30, 1 << 30), (1, Int.max / 2), (Int.max, 1)])
    func moreThanTheMachineHoldsIsRefused(tokens: Int, headDim: Int) {
        var run = KernelBenchmarkRun()
        run.tokens = tokens
        run.headDim = headDim
        #expect(throws: BenchmarkError.tooLarge(tokens: tokens, headDim: headDim)) { try run.validate() }
    }

    @Test func theCachesOfThisMachineAreKnown() {
        let sizes = CacheSizes.current
        #expect(sizes.secondLevel >= 128 << 10 && sizes.lastLevel >= sizes.secondLevel)
        #expect(sizes.memory > sizes.lastLevel)
    }
}
