/// The statistics of one layer's tensor, at every grain but the token's.
public struct TensorSummary: Sendable {
    public let heads: Int
    public let headDim: Int
    public private(set) var tokens: Int
    /// The layer's whole tensor.
    public private(set) var context: TensorContext
    private var channelMoments: [CentralMoments]
    private var headMoments: [CentralMoments]
    private var headSketches: [QuantileSketch]
    private var counts: SampledRows

    /// - Parameter counts: all of them counted.
    init(heads: Int, headDim: Int, tokens: Int, channelMoments: [CentralMoments], counts: SampledRows) {
        self.heads = heads
        self.headDim = headDim
        self.tokens = tokens
        self.channelMoments = channelMoments
        self.counts = counts
        headMoments = (0..<heads).map { head in
            channelMoments[head * headDim..<(head + 1) * headDim].reduce(into: CentralMoments()) { $0.merge($1) }
        }
        headSketches = (0..<heads).map { counts.sketch(of: $0 * headDim..<($0 + 1) * headDim) }
        context = TensorContext(
            moments: headMoments.reduce(into: CentralMoments()) { $0.merge($1) },
            channelAbsoluteMaxima: channelMoments.map { $0.absoluteMaximum }
        )
    }

    /// Adds the tokens of another capture, or of another part of this one.
    ///
    /// Counts, extremes and sketches are exact; the sums of the moments round once (units of 2⁻⁵³). Two sketches
    /// that are samples of captures of different lengths do not weigh them by their lengths: quantiles are then
    /// those of the samples together.
    ///
    /// - Precondition: as many heads and channels.
    public mutating func merge(_ other: TensorSummary) {
        precondition(other.heads == heads && other.headDim == headDim, "summaries of two kinds of tensors")
        var (moments, counts) = (channelMoments, counts)
        for channel in moments.indices { moments[channel].merge(other.channelMoments[channel]) }
        counts.merge(other.counts)
        self = TensorSummary(
            heads: heads,
            headDim: headDim,
            tokens: tokens + other.tokens,
            channelMoments: moments,
            counts: counts
        )
    }

    /// One channel of one head over all tokens.
    public func channel(head: Int, channel: Int) -> Distribution {
        let place = head * headDim + channel
        return Distribution(moments: channelMoments[place], sketch: counts.sketch(of: place..<place + 1))
    }

    /// One head over all tokens and channels.
    public func head(_ head: Int) -> Distribution {
        Distribution(moments: headMoments[head], sketch: headSketches[head])
    }

    /// The layer's whole tensor.
    public func layer() -> Distribution { Distribution(moments: context.moments, sketch: layerSketch) }

    /// How often each bin occurs in the layer's whole tensor, or in the sample that quantiles are taken from.
    public var layerSketch: QuantileSketch { headSketches.reduce(into: QuantileSketch()) { $0.merge($1) } }

    /// Elements of some head · channels in each bin of `HistogramBins`, from the elements that quantiles come from.
    public func histogram(ofChannels channels: Range<Int>) -> [Int] { counts.sketch(of: channels).histogram() }

    /// The context of one head: the same tensor, but only that head's channels to look at.
    public func context(ofHead head: Int) -> TensorContext {
        context.restricted(to: head * headDim..<(head + 1) * headDim)
    }
}
