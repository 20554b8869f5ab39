/// Counts, in a second pass over a tensor, the elements, channels and tokens that each definition calls outliers.
///
/// NaN and infinity are never outliers and count nowhere.
public struct OutlierCounts: Sendable {
    /// What one definition finds in the tensor.
    public struct Finding: Sendable {
        public let definition: OutlierDefinition
        /// What a channel's measure is compared with; `nil` where the tensor gives none.
        public let threshold: Double?
        /// Over the finite elements; `nil` without any, as are the next two.
        public let elementShare: Double?
        /// Channels with outliers, over all heads · channels.
        public let channelShare: Double?
        /// Tokens with at least one outlier, over all tokens.
        public let tokenShare: Double?
        /// Those channels, by how far they stand out, the first of equal ones first.
        public let channels: [Channel]
    }

    /// A channel that stands out.
    public struct Channel: Sendable {
        public let head: Int
        public let channel: Int
        /// The value compared.
        public let measure: Double
        /// `measure` over the threshold.
        public let multiple: Double
    }

    fileprivate struct Counter: Sendable {
        let definition: OutlierDefinition
        let threshold: Double?
        let measures: [Double?]?
        /// Rounded such that float32 elements compare as their exact values would; empty if it depends on the token.
        let low: [Float]
        let high: [Float]
        var elements = 0
        var tokens = 0
        /// Empty if not needed.
        var byChannel: [Int] = []
    }

    private let tensor: TensorExtents
    private var counters: [Counter]
    private var tokens = 0

    /// - Parameters:
    ///   - tensor: from the first pass.
    ///   - int8Channels: of `OutlierDefinition.int8Channels(of:)`.
    public init(
        _ tensor: TensorExtents,
        int8Channels: Set<Int>,
        definitions: [OutlierDefinition] = OutlierDefinition.all
    ) {
        self.tensor = tensor
        counters = definitions.map { definition in
            let limits = definition.limits(of: tensor, int8Channels: int8Channels)
            let isCounted = limits.map { $0.measures == nil } ?? false
            return Counter(
                definition: definition,
                threshold: limits?.threshold,
                measures: limits?.measures,
                low: (limits?.bounds ?? []).map { Float(up: $0.low) },
                high: (limits?.bounds ?? []).map { Float(down: $0.high) },
                byChannel: isCounted ? [Int](repeating: 0, count: tensor.channels.count) : []
            )
        }
    }

    /// Adds the next tokens, `[token, head · channel]`.
    ///
    /// - Complexity: O(elements × definitions), and a sort of each token for the percentile of tokens.
    public mutating func add(_ values: UnsafePointer<Float>, tokens added: Int) {
        let width = tensor.channels.count
        tokens += added
        for token in 0..<added {
            let row = UnsafeBufferPointer(start: values + token * width, count: width)
            let ends = Self.centralRange(of: row)
            for place in counters.indices where counters[place].threshold != nil {
                let found =
                    counters[place].low.isEmpty
                    ? Self.count(row, ends, &counters[place].byChannel) : counters[place].count(row)
                counters[place].elements += found
                if found > 0 { counters[place].tokens += 1 }
            }
        }
    }

    /// What each definition found, in the order asked for.
    public func findings() -> [Finding] {
        counters.map { counter in
            let isEmpty = counter.threshold == nil || tensor.finiteCount == 0
            let channels = channels(of: counter)
            return Finding(
                definition: counter.definition,
                threshold: counter.threshold,
                elementShare: isEmpty ? nil : Double(counter.elements) / Double(tensor.finiteCount),
                channelShare: isEmpty ? nil : Double(channels.count) / Double(tensor.channels.count),
                tokenShare: isEmpty ? nil : Double(counter.tokens) / Double(tokens),
                channels: channels
            )
        }
    }

    private func channels(of counter: Counter) -> [Channel] {
        guard let threshold = counter.threshold else { return [] }
        let isShare = counter.measures == nil
        let measures =
            counter.measures ?? counter.byChannel.map { tokens > 0 ? Double($0) / Double(tokens) : nil }
        // The largest share asked for and the largest norm chosen are thresholds that are reached.
        let reaches = isShare || [.topNorm, .topMean, .int8, .massive].contains(counter.definition)
        let found = measures.map { measure in
            measure.map { ($0 > threshold || reaches && $0 == threshold) ? $0 : .nan } ?? .nan
        }
        return ChannelAgreement.largest(found.count, of: found).map { place in
            Channel(
                head: place / tensor.headDim,
                channel: place % tensor.headDim,
                measure: found[place],
                multiple: found[place] / threshold
            )
        }
    }

    /// The quantiles of a token between which it has no outliers, interpolated between ranks as torch and numpy do: at
    /// the nearest rank, a token of fewer than 200 elements would have none.
    private static func centralRange(of row: UnsafeBufferPointer<Float>) -> (low: Double, high: Double) {
        let sorted = row.filter { $0.isFinite }.sorted()
        func quantile(_ probability: Double) -> Double {
            let place = probability * Double(sorted.count - 1)
            let below = Int(place)
            let (low, high) = (Double(sorted[below]), Double(sorted[min(below + 1, sorted.count - 1)]))
            return low + (place - Double(below)) * (high - low)
        }
        guard !sorted.isEmpty else { return (-.infinity, .infinity) }
        return (quantile((1 - OutlierDefinition.percentile) / 2), quantile((1 + OutlierDefinition.percentile) / 2))
    }

    private static func count(
        _ row: UnsafeBufferPointer<Float>,
        _ ends: (low: Double, high: Double),
        _ byChannel: inout [Int]
    ) -> Int {
        var found = 0
        for (channel, value) in row.enumerated()
        where value.isFinite && (Double(value) < ends.low || Double(value) > ends.high) {
            found += 1
            byChannel[channel] += 1
        }
        return found
    }
}

extension OutlierCounts.Counter {
    /// Outliers of a row, by fixed bounds.
    fileprivate mutating func count(_ row: UnsafeBufferPointer<Float>) -> Int {
        var found = 0
        low.withUnsafeBufferPointer { low in
            high.withUnsafeBufferPointer { high in
                // Without branches, so that the compiler makes vectors of it.
                var sum: Int32 = 0
                for channel in row.indices {
                    let value = row[channel]
                    let isBelow: Int32 = value < low[channel] ? 1 : 0
                    let isAbove: Int32 = value > high[channel] ? 1 : 0
                    let isFinite: Int32 = value.magnitude < .infinity ? 1 : 0
                    sum &+= (isBelow | isAbove) & isFinite
                }
                found = Int(sum)
            }
        }
        guard found > 0, !byChannel.isEmpty else { return found }
        for (channel, value) in row.enumerated()
        where value.isFinite && (value < low[channel] || value > high[channel]) {
            byChannel[channel] += 1
        }
        return found
    }
}

extension Float {
    /// The smallest float32 that is at least `value`.
    fileprivate init(up value: Double) {
        let nearest = Float(value)
        self = Double(nearest) < value ? nearest.nextUp : nearest
    }

    /// The largest float32 that is at most `value`.
    fileprivate init(down value: Double) {
        let nearest = Float(value)
        self = Double(nearest) > value ? nearest.nextDown : nearest
    }
}
