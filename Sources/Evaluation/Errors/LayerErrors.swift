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
    let layer: Int
    /// Keys before RoPE, if a scheme stores those.
    let keyBeforeRoPE: KVBlock?
    /// RoPE at the tokens' positions; `nil` if no scheme needs it.
    let rotation: RotaryTable?
    let reach: QueryBlock.Reach
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
    /// Keys in the metric of their queries; empty without a metric that needs them.
    var queriedKeys: [[Deviation]] = []
    var attention: AttentionDeviations
    /// What the next layer's schemes may see of this one's, by side and scheme.
    let decoded: [CalibrationSet.Key: FloatBlock]

    /// Reconstructs each distinct side once, compares it, and lets the queries attend to it.
    ///
    /// Parallel over sides, then over heads and blocks of queries.
    ///
    /// - Parameters:
    ///   - calibration: what schemes have learnt; `nil` if none has to.
    ///   - previous: what was decoded of the layer before.
    /// - Throws: `SchemeError` if the tensors do not suit a scheme, or it has not learnt what it must.
    init(
        _ sample: LayerSample,
        plan: EvaluationPlan,
        subjects: Set<MetricSubject>,
        calibration: CalibrationSet? = nil,
        previous: [CalibrationSet.Key: FloatBlock] = [:]
    ) throws {
        let isSalient = plan.schemes.contains { $0.needsSaliency } && !sample.query.isEmpty
        let saliency = isSalient ? TokenSaliency.measure(sample) : nil
        func context(_ scheme: CacheScheme, _ side: CacheSide) -> SchemeContext {
            let own = scheme.scheme(for: side)
            return SchemeContext(
                layer: sample.layer,
                side: side,
                calibration: calibration?.arrays(of: own, side: side, layer: sample.layer) ?? [:],
                previous: previous[.init(side: side, schemeID: scheme.sideID(side))],
                saliency: saliency
            )
        }
        let exactKeys = sample.key.decoded()
        let exactValues = sample.value.decoded()
        let keyCount = plan.keySides.count
        let sides = try parallelMap(keyCount + plan.valueSides.count) { item in
            item < keyCount
                ? try Side(plan.keySides[item], .key, sample, context(plan.keySides[item], .key), exactKeys)
                : try Side(
                    plan.valueSides[item - keyCount],
                    .value,
                    sample,
                    context(plan.valueSides[item - keyCount], .value),
                    exactValues
                )
        }
        var decoded: [CalibrationSet.Key: FloatBlock] = [:]
        for (item, side) in sides.enumerated() {
            guard let block = side.decoded else { continue }
            let (scheme, name) =
                item < keyCount ? (plan.keySides[item], CacheSide.key) : (plan.valueSides[item - keyCount], .value)
            decoded[.init(side: name, schemeID: scheme.sideID(name))] = block
        }
        self.decoded = decoded
        keyBits = sides[..<keyCount].map { $0.bits }
        valueBits = sides[keyCount...].map { $0.bits }
        keys = sides[..<keyCount].map { $0.deviations }
        values = sides[keyCount...].map { $0.deviations }
        attention = AttentionDeviations(plan: plan, heads: sample.heads)
        guard subjects.contains(where: { $0.needsQueries }) else { return }
        if subjects.contains(.queriedKeys) {
            let weighting = QueryWeighting(sample)
            queriedKeys = parallelMap(keyCount) { side in
                (0..<sample.key.heads).map { head in
                    weighting.compare(exactKeys, sides[side].tensor, head: head, tokens: sample.key.tokens)
                }
            }
        }
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

        /// RoPE on what was packed; the window holds keys as a model reads them.
        private static func rotated(
            _ x: Tensor,
            _ sample: LayerSample,
            _ packed: Range<Int>,
            _ exact: Tensor
        ) -> Tensor {
            guard let rotation = sample.rotation else { return x }
            let (tokens, channels) = (sample.key.tokens, sample.key.channels)
            var result = x
            result.elements.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                for head in 0..<sample.key.heads {
                    rotation.rotate(
                        base + head * tokens * channels,
                        tokens: tokens,
                        heads: 1,
                        headStride: channels,
                        tokenStride: channels
                    )
                }
            }
            for head in 0..<sample.key.heads {
                for token in 0..<tokens where !packed.contains(token) {
                    let first = (head * tokens + token) * channels
                    result.elements.replaceSubrange(
                        first..<first + channels,
                        with: exact.elements[first..<first + channels]
                    )
                }
            }
            return result
        }

        /// What is kept of the side for the next layer, before RoPE for keys that are stored so.
        let decoded: FloatBlock?

        init(
            _ scheme: CacheScheme,
            _ side: CacheSide,
            _ sample: LayerSample,
            _ context: SchemeContext,
            _ exact: Tensor
        ) throws {
            let isBeforeRoPE = side == .key && scheme.key.ropeSide == .before
            let block = isBeforeRoPE ? sample.keyBeforeRoPE ?? sample.key : side == .key ? sample.key : sample.value
            let trip = try scheme.roundTrip(block, side: side, context: context)
            let needsPrevious = (scheme.scheme(for: side) as? PipelineScheme)?.needsPreviousLayer ?? false
            decoded =
                needsPrevious
                ? FloatBlock(
                    heads: block.heads,
                    tokens: block.tokens,
                    channels: block.channels,
                    elements: trip.tensor.elements
                ) : nil
            let packed = scheme.window.quantizedRange(of: side, tokens: block.tokens)
            let restored = isBeforeRoPE ? Self.rotated(trip.tensor, sample, packed, exact) : trip.tensor
            tensor = restored
            bits = StoredBits(trip)
            let count = block.tokens * block.channels
            deviations = exact.elements.withUnsafeBufferPointer { exact in
                restored.elements.withUnsafeBufferPointer { cached in
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
