import Foundation
import Kernels
import Statistics
import TensorCore
import Testing

/// Speed against a plain read of the same memory; run in release with KVATLAS_BENCHMARKS=1.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil))
struct StatisticsThroughputTests {
    private let heads = 2
    private let headDim = 128

    /// 256 MB of Gaussian float16: more than any cache.
    private func elements() -> [UInt16] {
        var generator = SeededGenerator(seed: 5)
        let pool = HalfConversion.toHalf((0..<1 << 20).map { _ in Float(generator.nextGaussian()) })
        return (0..<128).flatMap { _ in pool }
    }

    private func gigabytesPerSecond(_ bytes: Int, _ body: () -> Void) -> Double {
        let clock = ContinuousClock()
        let fastest = (0..<5).map { _ in clock.measure(body) }.min() ?? .zero
        return Double(bytes) / (fastest / .seconds(1)) / 1e9
    }

    @Test func eightTensors() {
        let elements = elements()
        let bytes = elements.count * 2
        let read = gigabytesPerSecond(bytes) {
            elements.withUnsafeBytes { raw in
                nonisolated(unsafe) let words = raw.bindMemory(to: SIMD8<UInt64>.self)
                let size = 1 << 14
                Parallel.forEach(words.count / size) { block in
                    var sum = SIMD8<UInt64>()
                    for index in block * size..<(block + 1) * size { sum &+= words[index] }
                    withExtendedLifetime(sum) { if sum == SIMD8(repeating: 1) { print("unlikely") } }
                }
            }
        }
        let summary = gigabytesPerSecond(bytes) {
            let tensors = 8
            let size = elements.count / tensors
            elements.withUnsafeBufferPointer { all in
                nonisolated(unsafe) let all = all
                Parallel.forEach(tensors) { tensor in
                    let sample = TokenSample(tokens: size / (heads * headDim))
                    var accumulator = TensorAccumulator(heads: heads, headDim: headDim, sample: sample)
                    accumulator.append(half: UnsafeBufferPointer(rebasing: all[tensor * size..<(tensor + 1) * size]))
                    #expect(accumulator.finish().context.moments.count == size)
                }
            }
        }
        print(
            String(
                format: "plain read %.1f GB/s, statistics %.2f GB/s, %d %%, %d threads",
                read,
                summary,
                Int(100 * summary / read),
                Parallel.threadCount
            )
        )
    }
}
