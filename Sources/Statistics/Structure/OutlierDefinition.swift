/// A definition of outliers in use, of which the literature has many: set side by side, they do not agree.
public enum OutlierDefinition: Sendable, Hashable {
    /// Outside the central 99 % of its channel over all tokens: KVQuant's keys.
    case percentileOfChannel
    /// Outside the central 99 % of its token over all heads and channels: KVQuant's values.
    case percentileOfToken
    /// Further from the mean of the tensor than some standard deviations.
    case sigma(Int)
    /// Larger than some times the median channel's largest magnitude.
    case median(Int)
    /// In one of the channels of largest norm of a head: QJL.
    case topNorm
    /// In one of the channels of largest mean magnitude of a head: Kitty.
    case topMean
    /// LLM.int8()'s emergent features.
    case int8
    /// Massive activations.
    case massive

    public static let all: [OutlierDefinition] = [
        .percentileOfChannel, .percentileOfToken, .sigma(3), .sigma(6), .median(3), .median(5), .median(10),
        .median(20), .topNorm, .topMean, .int8, .massive,
    ]

    /// The central share of a percentile rule.
    public static let percentile = 0.99
    /// A channel stands out by a percentile rule if at least this share of its elements are outliers, the share of
    /// tokens in LLM.int8()'s rule.
    public static let channelShare = 0.06
    public static let topNormChannels = 8
    /// Kitty's ρ.
    public static let topMeanShare = 0.1
    public static let int8Magnitude = 6.0
    public static let int8LayerShare = 0.25
    public static let int8TokenShare = 0.06
    public static let massiveMagnitude = 100.0
    public static let massiveMultiple = 1000.0

    /// Kebab-case, permanent.
    public var id: String {
        switch self {
        case .percentileOfChannel: "percentile-99-channel"
        case .percentileOfToken: "percentile-99-token"
        case .sigma(let k): "sigma-\(k)"
        case .median(let k): "median-channel-\(k)x"
        case .topNorm: "top-norm-8"
        case .topMean: "top-mean-10-percent"
        case .int8: "llm-int8"
        case .massive: "massive"
        }
    }

    /// The rule as a sentence, with its source.
    public var rule: String {
        switch self {
        case .percentileOfChannel:
            "outside the 0.5 % and 99.5 % quantiles of its channel over all tokens (KVQuant, keys); "
                + "a channel counts if 6 % of its elements are"
        case .percentileOfToken:
            "outside the 0.5 % and 99.5 % quantiles of its token over all heads (KVQuant, values); "
                + "a channel counts if 6 % of its elements are"
        case .sigma(let k):
            "|x - mean| > \(k) standard deviations of the layer's tensor; a channel counts if one element is"
        case .median(let k):
            "|x| > \(k) times the median, over channels, of the channel's max |x|; a channel counts if one element is"
        case .topNorm: "in one of the 8 channels of largest norm of its head (QJL)"
        case .topMean: "in one of the 10 % of channels of largest mean |x| of its head (Kitty)"
        case .int8:
            "|x| >= 6 in a channel that has such elements in 25 % of the layers and 6 % of all tokens (LLM.int8())"
        case .massive: "|x| > 100 and |x| >= 1000 times the median |x| of the layer's tensor (Sun et al. 2024)"
        }
    }

    /// What `measure` is compared with, and when a channel counts.
    ///
    /// - Parameter int8Channels: channels that LLM.int8()'s rule finds over all layers.
    /// - Returns: `nil` where the tensor gives no threshold: it has no finite elements, or nothing but zeros.
    func limits(of tensor: TensorExtents, int8Channels: Set<Int>) -> OutlierLimits? {
        let none = (low: -Double.infinity, high: Double.infinity)
        let everywhere = (low: Double.infinity, high: -Double.infinity)
        func uniform(_ threshold: Double, about center: Double = 0) -> [(low: Double, high: Double)] {
            tensor.channels.map { _ in (center - threshold, center + threshold) }
        }
        func chosen(_ places: Set<Int>, _ measure: (TensorExtents.Channel) -> Double?) -> OutlierLimits? {
            let values = places.compactMap { measure(tensor.channels[$0]) }
            guard let threshold = values.min(), threshold > 0 else { return nil }
            return OutlierLimits(
                threshold: threshold,
                bounds: tensor.channels.indices.map { places.contains($0) ? everywhere : none },
                measures: tensor.channels.indices.map { places.contains($0) ? measure(tensor.channels[$0]) : nil }
            )
        }
        let maxima = tensor.channels.map { $0.absoluteMaximum }
        switch self {
        case .percentileOfChannel:
            let bounds = tensor.channels.map { ($0.lowQuantile ?? none.low, $0.highQuantile ?? none.high) }
            return OutlierLimits(threshold: Self.channelShare, bounds: bounds, measures: nil)
        case .percentileOfToken:
            return OutlierLimits(threshold: Self.channelShare, bounds: nil, measures: nil)
        case .sigma(let k):
            guard let deviation = tensor.standardDeviation, deviation > 0 else { return nil }
            let threshold = Double(k) * deviation, mean = tensor.mean
            return OutlierLimits(
                threshold: threshold,
                bounds: uniform(threshold, about: mean),
                measures: tensor.channels.map { channel in
                    channel.minimum.flatMap { least in channel.maximum.map { max($0 - mean, mean - least) } }
                }
            )
        case .median(let k):
            guard let median = tensor.medianChannelMaximum, median > 0 else { return nil }
            let threshold = Double(k) * median
            return OutlierLimits(threshold: threshold, bounds: uniform(threshold), measures: maxima)
        case .topNorm:
            return chosen(tensor.largest(Self.topNormChannels) { $0.norm }) { $0.norm }
        case .topMean:
            let count = max(1, Int((Self.topMeanShare * Double(tensor.headDim)).rounded()))
            return chosen(tensor.largest(count) { $0.meanAbsolute }) { $0.meanAbsolute }
        case .int8:
            let threshold = Self.int8Magnitude
            return OutlierLimits(
                threshold: threshold,
                bounds: tensor.channels.indices.map {
                    int8Channels.contains($0) ? (-threshold.nextDown, threshold.nextDown) : none
                },
                measures: maxima.enumerated().map { int8Channels.contains($0) && $1 ?? 0 >= threshold ? $1 : nil }
            )
        case .massive:
            guard let median = tensor.medianMagnitude else { return nil }
            let threshold = max(Self.massiveMagnitude.nextUp, Self.massiveMultiple * median)
            return OutlierLimits(threshold: threshold, bounds: uniform(threshold.nextDown), measures: maxima)
        }
    }

    /// Channels that LLM.int8()'s rule finds: |x| ≥ 6 in 25 % of the layers, and in 6 % of the tokens of all layers.
    ///
    /// - Parameter layers: one tensor of every layer.
    public static func int8Channels(of layers: [TensorExtents]) -> Set<Int> {
        guard let first = layers.first else { return [] }
        let tokens = layers.reduce(0) { $0 + $1.tokens }
        return Set(
            first.channels.indices.filter { channel in
                let counts = layers.map { $0.channels[channel].tokensOfLargeMagnitude }
                let affected = counts.count { $0 > 0 }
                return affected > 0 && Double(affected) >= int8LayerShare * Double(layers.count)
                    && Double(counts.reduce(0, +)) >= int8TokenShare * Double(tokens)
            }
        )
    }
}

/// A definition applied to one tensor.
struct OutlierLimits {
    /// What a channel's measure is compared with.
    let threshold: Double
    /// An element of a channel is an outlier below `low` or above `high`; `nil` if that depends on its token.
    let bounds: [(low: Double, high: Double)]?
    /// What is compared, `nil` for a channel that cannot be one; without the list, the channel's share of outliers.
    let measures: [Double?]?
}

extension TensorExtents {
    /// Places of the `count` channels of each head that are largest in `measure`.
    fileprivate func largest(_ count: Int, by measure: (Channel) -> Double?) -> Set<Int> {
        Set(
            (0..<heads).flatMap { head in
                let values = channels[head * headDim..<(head + 1) * headDim].map { measure($0) ?? .nan }
                return ChannelAgreement.largest(count, of: values).map { head * headDim + $0 }
            }
        )
    }
}
