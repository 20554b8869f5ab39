import Kernels

/// One decoding step's attention over a cache packed as KIVI packs it, whole and each half alone.
enum PackedAttentionBenchmarks {
    private static let groupSize = 32
    private static let accuracies: [(name: String, Attention.Accuracy)] = [("fast", .fast), ("exact", .exact)]

    static let all: [KernelBenchmark] = PackedFormat.bitWidths.flatMap { bits in
        accuracies.flatMap { name, accuracy in
            AttentionBenchmarks.groups.flatMap { group in
                ["attention", "scores", "values"].map { work in
                    benchmark(work, bits: bits, "kivi\(bits)-\(name)", accuracy, group)
                }
            }
        }
    }

    private static func benchmark(
        _ work: String,
        bits: Int,
        _ cache: String,
        _ accuracy: Attention.Accuracy,
        _ group: Int
    ) -> KernelBenchmark {
        let read = work == "attention" ? "keys and values" : work == "scores" ? "keys" : "values"
        return KernelBenchmark(
            AttentionBenchmarks.name(work, cache, group),
            group: "packed-\(bits)",
            rival: AttentionBenchmarks.rival(work, group),
            summary: "\(work) over \(bits)-bit codes in groups of \(groupSize)\(AttentionBenchmarks.sharing(group)); "
                + "bytes: codes, scales, minima of \(read)"
        ) { workload in
            let packed = try workload.shared("packed-\(bits)") {
                try PackedCache(workload, bits: bits, groupSize: groupSize)
            }
            let step = AttentionStep(workload, group: group)
            let bytes =
                (work == "values" ? 0 : packed.keys.usedBytes) + (work == "scores" ? 0 : packed.values.usedBytes)
            return .init(workload, bytes: bytes) { packed.run(work, step, accuracy) }
        }
    }
}

extension PackedStore {
    fileprivate var usedBytes: Int { codeBytes + metadataBytes }
}

/// All keys and values of a workload, packed.
private final class PackedCache {
    let keys: PackedStore
    let values: PackedStore
    private let cache: Attention.SequenceCache

    init(_ workload: Workload, bits: Int, groupSize: Int) throws {
        let full = workload.cache(.float16), arena = PageArena()
        func pack(_ side: PackedFormat.Side, _ memory: AlignedMemory) throws -> PackedStore {
            let format = PackedFormat(side, bits: bits, groupSize: groupSize, channels: workload.headDim)
            let store = PackedStore(format, kvHeads: workload.kvHeads, arena: arena)
            try store.append(
                .float16(memory.elements(UInt16.self)),
                tokens: workload.tokens,
                headStride: workload.tokens * workload.headDim,
                tokenStride: workload.headDim
            )
            return store
        }
        keys = try pack(.keys, full.keys)
        values = try pack(.values, full.values)
        // Nothing is left in full precision, so that this view is never read.
        let none = full.view(full.keys, of: workload)
        cache = Attention.SequenceCache(
            tokens: workload.tokens,
            keys: Attention.CacheSide(packed: keys, full: none),
            values: Attention.CacheSide(packed: values, full: none)
        )
    }

    func run(_ work: String, _ step: AttentionStep, _ accuracy: Attention.Accuracy) {
        switch work {
        case "scores":
            Attention.scores(query: step.query, shape: step.shape, keys: keys, accuracy: accuracy, into: step.scores)
        case "values":
            Attention.weightedSum(
                weights: step.scores,
                shape: step.shape,
                values: values,
                accuracy: accuracy,
                into: step.output
            )
        default:
            Attention.decode(
                queries: step.query,
                rows: 1,
                sequences: [cache],
                shape: step.shape,
                accuracy: accuracy,
                into: step.output
            )
        }
    }
}
