import Kernels

/// The one-pass sweep over float16 keys that statistics are made of.
enum StatisticsBenchmarks {
    private struct Parts {
        var channels = false
        var tokens = false
        var histogram = false
    }

    static let all = [
        sweep(
            "statistics-sweep",
            "extremes, sums of powers for each channel and each token, histograms of channels",
            Parts(channels: true, tokens: true, histogram: true)
        ),
        sweep(
            "statistics-sweep-moments",
            "extremes and sums of powers for each channel and each token",
            Parts(channels: true, tokens: true)
        ),
        sweep("statistics-sweep-channel", "extremes and sums of powers for each channel", Parts(channels: true)),
        sweep("statistics-sweep-token", "extremes and sums of powers for each token", Parts(tokens: true)),
        KernelBenchmark(
            "hadamard-128",
            group: "statistics",
            summary: "Walsh–Hadamard transform of float32 rows of 128 in place; bytes: read and written once"
        ) { workload in
            let rows = max(1, workload.elementCount / 128)
            let memory = AlignedMemory(count: 128 * rows, repeating: SampleData.floats)
            return .init(tokens: rows, headDim: 128, bytes: 2 * memory.byteCount) {
                Parallel.forEachBlock(of: 256, in: rows) { block in
                    let first = memory.elements(Float.self) + block.lowerBound * 128
                    Hadamard.transform(first, rows: block.count, length: 128)
                }
            }
        },
    ]

    /// Tokens of one block, whose accumulators stay in cache.
    private static let tokensPerBlock = 512

    private static func sweep(_ name: String, _ what: String, _ parts: Parts) -> KernelBenchmark {
        KernelBenchmark(name, group: "statistics", summary: "\(what), of float16 keys; bytes: input") { workload in
            let keys = workload.cache(.float16).keys
            return .init(workload, bytes: keys.byteCount) {
                Parallel.forEach(workload.kvHeads) { head in
                    sweep(keys.elements(UInt16.self) + head * workload.tokens * workload.headDim, workload, parts)
                }
            }
        }
    }

    private static func sweep(_ slab: UnsafePointer<UInt16>, _ workload: Workload, _ parts: Parts) {
        var channels = parts.channels ? [Moments](repeating: Moments(), count: workload.headDim) : []
        var counters = [UInt16](repeating: 0, count: parts.histogram ? workload.headDim * MomentSweep.binCount : 0)
        counters.withUnsafeMutableBufferPointer { counters in
            for first in stride(from: 0, to: workload.tokens, by: tokensPerBlock) {
                let count = min(tokensPerBlock, workload.tokens - first)
                var tokens = parts.tokens ? [Moments](repeating: Moments(), count: count) : []
                MomentSweep.add(
                    half: slab + first * workload.headDim,
                    tokens: count,
                    channels: workload.headDim,
                    tokenStride: workload.headDim,
                    channelMoments: &channels,
                    tokenMoments: &tokens,
                    counters: parts.histogram ? counters : nil
                )
            }
        }
    }
}
