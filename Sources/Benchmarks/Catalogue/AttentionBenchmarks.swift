import Kernels

/// One decoding step's attention over a cache in full precision, whole and each half alone.
enum AttentionBenchmarks {
    /// Query heads that share a key/value head; one is the plain case.
    static let groups = [1, 4]

    static let all: [KernelBenchmark] = [Attention.Precision.float16, .float32].flatMap { precision in
        groups.flatMap { group in
            [attention(precision, group), scores(precision, group), values(precision, group)]
        }
    }

    /// `attention-float16-gqa4`: what is done, over what, for how many query heads.
    static func name(_ work: String, _ cache: String, _ group: Int) -> String {
        "\(work)-\(cache)" + (group == 1 ? "" : "-gqa\(group)")
    }

    /// The benchmark of the same work over a float16 cache.
    static func rival(_ work: String, _ group: Int) -> String { name(work, "\(Attention.Precision.float16)", group) }

    /// For the summary of a benchmark: who shares a head.
    static func sharing(_ group: Int) -> String { group == 1 ? "" : ", \(group) query heads a key/value head" }

    private static func attention(_ precision: Attention.Precision, _ group: Int) -> KernelBenchmark {
        KernelBenchmark(
            name("attention", "\(precision)", group),
            group: "attention",
            rival: rival("attention", group),
            summary: "scores, softmax and weighted values of a \(precision) cache"
                + "\(sharing(group)); bytes: keys and values"
        ) { workload in
            let cache = workload.cache(precision), step = AttentionStep(workload, group: group)
            let keys = cache.view(cache.keys, of: workload), values = cache.view(cache.values, of: workload)
            return .init(workload, bytes: cache.keys.byteCount + cache.values.byteCount) {
                Attention.decode(
                    query: step.query,
                    tokens: workload.tokens,
                    shape: step.shape,
                    keys: keys,
                    values: values,
                    into: step.output
                )
                withExtendedLifetime(cache) {}
            }
        }
    }

    private static func scores(_ precision: Attention.Precision, _ group: Int) -> KernelBenchmark {
        KernelBenchmark(
            name("scores", "\(precision)", group),
            group: "attention",
            rival: rival("scores", group),
            summary: "queries times keys of a \(precision) cache\(sharing(group)); bytes: keys"
        ) { workload in
            let cache = workload.cache(precision), step = AttentionStep(workload, group: group)
            let keys = cache.view(cache.keys, of: workload)
            return .init(workload, bytes: cache.keys.byteCount) {
                Attention.scores(
                    query: step.query,
                    tokens: workload.tokens,
                    shape: step.shape,
                    keys: keys,
                    into: step.scores
                )
                withExtendedLifetime(cache) {}
            }
        }
    }

    private static func values(_ precision: Attention.Precision, _ group: Int) -> KernelBenchmark {
        KernelBenchmark(
            name("values", "\(precision)", group),
            group: "attention",
            rival: rival("values", group),
            summary: "weights times values of a \(precision) cache\(sharing(group)); bytes: values"
        ) { workload in
            let cache = workload.cache(precision), step = AttentionStep(workload, group: group)
            let values = cache.view(cache.values, of: workload)
            return .init(workload, bytes: cache.values.byteCount) {
                Attention.weightedSum(
                    weights: step.scores,
                    tokens: workload.tokens,
                    shape: step.shape,
                    values: values,
                    into: step.output
                )
                withExtendedLifetime(cache) {}
            }
        }
    }
}

/// The query of one step and room for its results; small beside any cache.
final class AttentionStep {
    let shape: Attention.Shape
    private let queryMemory, scoreMemory, outputMemory: AlignedMemory

    init(_ workload: Workload, group: Int) {
        shape = Attention.Shape(heads: workload.kvHeads * group, kvHeads: workload.kvHeads, channels: workload.headDim)
        let width = shape.heads * shape.channels
        queryMemory = AlignedMemory(count: width, repeating: SampleData.floats)
        // As weights they sum to about 1.
        scoreMemory = AlignedMemory(count: shape.heads * workload.tokens, repeating: [1 / Float(workload.tokens)])
        outputMemory = AlignedMemory(count: width, repeating: [Float(0)])
    }

    /// [head, channel]
    var query: UnsafeMutablePointer<Float> { queryMemory.elements(Float.self) }
    /// [head, token]
    var scores: UnsafeMutablePointer<Float> { scoreMemory.elements(Float.self) }
    /// [head, channel]
    var output: UnsafeMutablePointer<Float> { outputMemory.elements(Float.self) }
}
