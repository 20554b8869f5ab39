import Quantization

/// Metric values of every layer, scheme and head, averaged over sequences as they come.
struct ErrorCollector {
    let plan: EvaluationPlan
    let metrics: [any ErrorMetric.Type]
    let layers: [Int]
    let kvHeads: Int
    let headDim: Int
    /// Tokens of each sequence.
    let sequenceLengths: [Int]
    /// What a row is about, the same for every layer, scheme and head: metric and quantized part.
    let series: [Series]
    /// `[layer · scheme · series · head]`.
    private var means: [WeightedMean]
    /// `[layer · scheme]`, for keys and for values.
    private var keyBits: [StoredBits]
    private var valueBits: [StoredBits]
    private let placeOfScheme: [String: Int]

    struct Series {
        let metric: any ErrorMetric.Type
        let part: QuantizedPart
    }

    init(
        plan: EvaluationPlan,
        metrics: [any ErrorMetric.Type],
        layers: [Int],
        kvHeads: Int,
        headDim: Int,
        sequenceLengths: [Int]
    ) {
        self.plan = plan
        self.metrics = metrics
        self.layers = layers
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.sequenceLengths = sequenceLengths
        series = QuantizedPart.allCases.flatMap { part in
            metrics.filter { $0.subject.tensors.contains(part) }.map { Series(metric: $0, part: part) }
        }
        means = Array(repeating: WeightedMean(), count: layers.count * plan.schemes.count * series.count * kvHeads)
        keyBits = Array(repeating: StoredBits(), count: layers.count * plan.schemes.count)
        valueBits = keyBits
        placeOfScheme = Dictionary(uniqueKeysWithValues: plan.schemes.enumerated().map { ($1.id, $0) })
    }

    /// Tokens of all sequences.
    var tokens: Int { sequenceLengths.reduce(0, +) }

    /// The metric of one head, or `nil` if it does not apply or nothing could be compared.
    func value(layer: Int, scheme: Int, series: Int, head: Int) -> Double? {
        means[index(layer, scheme, series, head)].value
    }

    /// The mean over heads that have a value.
    func meanOverHeads(layer: Int, scheme: Int, series: Int) -> Double? {
        mean((0..<kvHeads).compactMap { value(layer: layer, scheme: scheme, series: series, head: $0) })
    }

    /// What the cache kept for a part; keys and values together for the pair.
    func bits(layer: Int, scheme: Int, part: QuantizedPart) -> StoredBits {
        let place = layer * plan.schemes.count + scheme
        switch part {
        case .key: return keyBits[place]
        case .value: return valueBits[place]
        case .pair:
            var both = keyBits[place]
            both.add(valueBits[place])
            return both
        }
    }

    /// Adds one sequence of one layer; `pass` holds some of the plan's schemes.
    mutating func add(_ errors: LayerErrors, of pass: EvaluationPlan, layer: Int) {
        for (passPlace, scheme) in pass.schemes.enumerated() {
            guard let place = placeOfScheme[scheme.id] else { continue }
            let (key, value) = (pass.keySide[passPlace], pass.valueSide[passPlace])
            keyBits[layer * plan.schemes.count + place].add(errors.keyBits[key])
            valueBits[layer * plan.schemes.count + place].add(errors.valueBits[value])
            for (number, row) in series.enumerated() {
                let heads: [Deviation]
                switch row.metric.subject {
                case .reconstruction: heads = row.part == .key ? errors.keys[key] : errors.values[value]
                case .scores: heads = errors.attention.scores[key]
                case .queriedKeys: heads = errors.queriedKeys[key]
                case .outputOfKeys: heads = errors.attention.outputOfKeys[key]
                case .outputOfValues: heads = errors.attention.outputOfValues[value]
                case .outputOfBoth: heads = errors.attention.outputOfBoth[passPlace]
                case .attention:
                    guard scheme.isLossless else { continue }
                    heads = errors.attention.attention
                }
                // Query heads of one kv head are neighbours, and count alike.
                let group = heads.count / kvHeads
                for head in 0..<kvHeads {
                    let shared = heads[head * group..<(head + 1) * group]
                    guard let value = mean(shared.compactMap { row.metric.value($0) }) else { continue }
                    means[index(layer, place, number, head)]
                        .add(value, weight: Double(shared.reduce(0) { $0 + $1.elements }))
                }
            }
        }
    }

    /// - Throws: `ErrorStudyError.controlFailed` if the identity scheme changed something, `nothingLost` if
    ///   a lossy scheme did not.
    func checkControls() throws {
        for (place, scheme) in plan.schemes.enumerated() {
            var isChanged = false
            for layer in layers.indices {
                for (number, row) in series.enumerated() where row.metric.direction != .descriptive {
                    for head in 0..<kvHeads {
                        guard let value = value(layer: layer, scheme: place, series: number, head: head),
                            row.metric.exactValue != value
                        else { continue }
                        isChanged = true
                        if scheme.isLossless {
                            throw ErrorStudyError.controlFailed(
                                metric: row.metric.id,
                                layer: layers[layer],
                                head: head,
                                value: value
                            )
                        }
                    }
                }
            }
            if !isChanged, !scheme.isLossless {
                throw ErrorStudyError.nothingLost(scheme: scheme.id, tokens: tokens, isAllWindow: false)
            }
        }
    }

    private func index(_ layer: Int, _ scheme: Int, _ series: Int, _ head: Int) -> Int {
        ((layer * plan.schemes.count + scheme) * self.series.count + series) * kvHeads + head
    }
}

/// A mean of values that count differently; one value alone is its own mean, bit for bit.
private struct WeightedMean {
    private var mean = 0.0
    private var weight = 0.0

    var value: Double? { weight > 0 ? mean : nil }

    mutating func add(_ value: Double, weight added: Double) {
        mean = weight == 0 ? value : (mean * weight + value * added) / (weight + added)
        weight += added
    }
}

/// The mean, or `nil` of nothing.
func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
