import Kernels
import Synchronization
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct ParallelTests {
    struct Failure: Error, Equatable { let index: Int }

    @Test func everyIndexRunsOnce() {
        for count in Array(0...33) + [1000] {
            let seen = Mutex([Int](repeating: 0, count: count))
            Parallel.forEach(count) { index in seen.withLock { $0[index] += 1 } }
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test func nestedCallsFinish() {
        let total = Atomic<Int>(0)
        Parallel.forEach(8) { _ in
            Parallel.forEach(8) { _ in
                Parallel.forEach(4) { _ in _ = total.wrappingAdd(1, ordering: .relaxed) }
            }
        }
        #expect(total.load(ordering: .relaxed) == 256)
    }

    @Test func lowestFailingIndexIsThrown() {
        for _ in 0..<50 {
            #expect(throws: Failure(index: 3)) {
                try Parallel.forEach(100) { index in if index % 10 >= 3 { throw Failure(index: index) } }
            }
        }
    }

    @Test func callsFromSeveralTasksDoNotMix() async {
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<50).allSatisfy { _ in
                        let sum = Atomic<Int>(0)
                        Parallel.forEach(task + 1) { _ = sum.wrappingAdd($0 + 1, ordering: .relaxed) }
                        return sum.load(ordering: .relaxed) == (task + 1) * (task + 2) / 2
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    /// Helpers that sleep, wake late, are too many or not there: every index runs once, and none after the call is over.
    @Test func poolOfAnySizeAndAnyPauseDoesAllWorkOnce() {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        var random = SeededGenerator(seed: 20)
        for turn in 0..<2000 {
            Parallel.threadCount = 1 + Int(random.next() % 8)
            let count = Int(random.next() % 40), seen = (0..<count).map { _ in Counter() }
            Parallel.forEach(count) { index in
                if index % 13 == turn % 13 { usleep(UInt32(index)) }
                seen[index].add()
            }
            #expect(seen.allSatisfy { $0.value == 1 }, "turn \(turn), \(Parallel.threadCount) threads")
            // About the time after which workers go to sleep.
            usleep(UInt32(random.next() % (turn.isMultiple(of: 10) ? 500 : 60)))
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }

    @Test func blocksCoverTheRangeAndTheLastMayBeShort() {
        // No lock: the thread sanitizer does not see that one of `Mutex` orders anything.
        let lengths = (0..<4).map { _ in Counter() }
        Parallel.forEachBlock(of: 10, in: 33) { block in
            for _ in block { lengths[block.lowerBound / 10].add() }
            #expect(block.lowerBound.isMultiple(of: 10))
        }
        #expect(lengths.map(\.value) == [10, 10, 10, 3])
        Parallel.forEachBlock(of: 10, in: 0) { _ in Issue.record("no block of nothing") }
    }

    @Test func environmentIsCheckedWithAnActionableMessage() throws {
        #expect(try Parallel.parseThreadCount("3") == 3)
        #expect(try Parallel.parseThreadCount("") == nil)
        for text in ["0", "-1", "two", "1.5"] {
            #expect(throws: KernelError.invalidThreadCount(text)) { try Parallel.parseThreadCount(text) }
        }
        #expect(try InstructionSet.parse("Reference") == .reference)
        #expect(throws: KernelError.unknownInstructionSet("avx")) { try InstructionSet.parse("avx") }
        let message = KernelError.unknownInstructionSet("avx").description
        #expect(
            message.contains("KVATLAS_ISA") && message.contains("Did you mean avx2?") && message.contains("reference")
        )
        for set in InstructionSet.allCases where !InstructionSet.available.contains(set) {
            #expect(throws: KernelError.unavailableInstructionSet(set)) { try InstructionSet.parse(set.rawValue) }
        }
    }

    @Test func activeSetIsAvailableAndTheMachineIsDescribed() {
        #expect(
            InstructionSet.available.first == .reference && InstructionSet.available.contains(InstructionSet.active)
        )
        #expect(CPUFeatures.blasConfiguration.contains("OpenBLAS") && !CPUFeatures.blasCore.isEmpty)
        #expect(Parallel.threadCount >= 1)
        if InstructionSet.available.contains(.avx2) {
            #expect(Set(CPUFeatures.names).isSuperset(of: ["avx2", "fma", "f16c"]))
        }
    }

    @Test func productsOfDenseMatricesRespectStrides() {
        // A is 2 × 3 in rows of 4, B is 2 × 3 in rows of 3, C is 2 × 2 in rows of 5.
        let a: [Float] = [1, 2, 3, 99, 4, 5, 6, 99], b: [Float] = [1, 0, -1, 2, 1, 0]
        var c = [Float](repeating: 7, count: 10)
        DenseMatrix.multiply(
            rows: 2,
            columns: 2,
            inner: 3,
            a,
            stride: 4,
            b,
            stride: 3,
            transposed: true,
            into: &c,
            stride: 5
        )
        #expect(c == [-2, 4, 7, 7, 7, -2, 13, 7, 7, 7])
        // The same B read as 3 × 2.
        DenseMatrix.multiply(
            rows: 2,
            columns: 2,
            inner: 3,
            alpha: 2,
            a,
            stride: 4,
            b,
            stride: 2,
            beta: 1,
            into: &c,
            stride: 5
        )
        // Row 1 of A is (4, 5, 6), column 1 of B is (0, 2, 0).
        #expect(c[0] == 2 && c[6] == 33)
    }
}
