import Kernels

/// The one-pass sweep over float16 keys that statistics are made of.
enum StatisticsBenchmarks {
    static let all = [
        sweep("statistics-sweep", "extremes and sums of powers for each channel and each token", byToken: true),
        sweep("statistics-sweep-channel", "extremes and sums of powers for each channel", byToken: false),
    ]

    /// Tokens of one block, whose accumulators stay in cache.
    private static let tokensPerBlock = 512

    private static func sweep(_ name: String, _ what: String, byToken: Bool) -> KernelBenchmark {
        KernelBenchmark(name, group: "statistics", summary: "\(what) of float16 keys; bytes: input") { workload in
            let keys = workload.cache(.float16).keys
            return .init(workload, bytes: keys.byteCount) {
                Parallel.forEach(workload.kvHeads) { head in
                    sweep(keys.elements(UInt16.self) + head * workload.tokens * workload.headDim, workload, byToken)
                }
            }
        }
    }

    private static func sweep(_ slab: UnsafePointer<UInt16>, _ workload: Workload, _ byToken: Bool) {
        var channels = [Moments](repeating: Moments(), count: workload.headDim)
        for first in stride(from: 0, to: workload.tokens, by: tokensPerBlock) {
            let count = min(tokensPerBlock, workload.tokens - first)
            var tokens = byToken ? [Moments](repeating: Moments(), count: count) : []
            MomentSweep.add(
                half: slab + first * workload.headDim,
                tokens: count,
                channels: workload.headDim,
                tokenStride: workload.headDim,
                channelMoments: &channels,
                tokenMoments: &tokens
            )
        }
    }
}
