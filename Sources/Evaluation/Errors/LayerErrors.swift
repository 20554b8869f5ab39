import Kernels
import Quantization
import TensorCore

/// One sequence of one layer, as it was captured.
struct LayerSample {
    let key: KVBlock
    let value: KVBlock
    /// float16 bits `[token, head, channel]`; empty if no metric needs queries.
    let query: [UInt16]
    /// Query heads.
    let heads: Int
    /// Query positions to evaluate, ascending.
    let positions: [Int]

    /// Query heads that share a key/value head.
    var queriesPerHead: Int { heads / key.heads }
}

/// What every scheme of a plan does to one sequence of one layer.
struct LayerErrors {
    /// What the cache kept, for each key side and each value side of the plan.
    var keyBits: [StoredBits]
    var valueBits: [StoredBits]
    /// `[side][kv head]`.
    var keys: [[Deviation]]
    var values: [[Deviation]]
    var attention: AttentionDeviations

    /// Reconstructs each distinct side once, compares it, and lets the queries attend to it.
    ///
    /// Parallel over sides, then over heads and blocks of queries.
    ///
    /// - Throws: `SchemeError` if the tensors do not suit a scheme.
    init(_ sample: LayerSample, plan: EvaluationPlan, subjects: Set<MetricSubject>) throws {
        let exactKeys = sample.key.decoded()
        let exactValues = sample.value.decoded()
        let keyCount = plan.keySides.count
        let sides = try parallelMap(keyCount + plan.valueSides.count) { item in
            item < keyCount
                ? try Side(plan.keySides[item], .key, block: sample.key, exact: exactKeys)
                : try Side(plan.valueSides[item - keyCount], .value, block: sample.value, exact: exactValues)
        }
        keyBits = sides[..<keyCount].map { $0.bits }
        valueBits = sides[keyCount...].map { $0.bits }
        keys = sides[..<keyCount].map { $0.deviations }
        values = sides[keyCount...].map { $0.deviations }
        attention = AttentionDeviations(plan: plan, heads: sample.heads)
        guard subjects.contains(where: { $0.needsQueries }) else { return }
        attention = AttentionErrors(
            sample: sample,
            plan: plan,
            subjects: subjects,
            keys: exactKeys,
            values: exactValues,
            cachedKeys: sides[..<keyCount].map { $0.tensor },
            cachedValues: sides[keyCount...].map { $0.tensor }
        ).evaluate()
    }

    /// One reconstructed side.
    private struct Side {
        let tensor: Tensor
        let bits: StoredBits
        let deviations: [Deviation]

        init(_ scheme: CacheScheme, _ side: CacheSide, block: KVBlock, exact: Tensor) throws {
            let trip = try scheme.roundTrip(block, side: side)
            tensor = trip.tensor
            bits = StoredBits(trip)
            let count = block.tokens * block.channels
            deviations = exact.elements.withUnsafeBufferPointer { exact in
                trip.tensor.elements.withUnsafeBufferPointer { cached in
                    (0..<block.heads).map { head in
                        var deviation = Deviation()
                        guard let exact = exact.baseAddress, let cached = cached.baseAddress else { return deviation }
                        deviation.compare(
                            reference: exact + head * count,
                            approximation: cached + head * count,
                            count: count
                        )
                        return deviation
                    }
                }
            }
        }
    }
}

/// Bits that a cache kept for a side, added over sequences.
struct StoredBits {
    private(set) var elements = 0
    private(set) var bytes = 0
    private var asymptoticBits = 0.0

    init() {}

    init(_ trip: RoundTrip) {
        elements = trip.elements
        bytes = trip.bytes
        asymptoticBits = trip.bitsAsymptotic * Double(trip.elements)
    }

    mutating func add(_ other: StoredBits) {
        elements += other.elements
        bytes += other.bytes
        asymptoticBits += other.asymptoticBits
    }

    var bitsAsymptotic: Double { elements == 0 ? 0 : asymptoticBits / Double(elements) }
    var bitsAtLength: Double { elements == 0 ? 0 : 8 * Double(bytes) / Double(elements) }
}
