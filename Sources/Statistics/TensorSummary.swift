/// The statistics of one layer's tensor, at every grain but the token's.
public struct TensorSummary: Sendable {
    public let heads: Int
    public let headDim: Int
    public let tokens: Int
    /// The layer's whole tensor.
    public let context: TensorContext
    private let strips: [ChannelStrip]
    private let headMoments: [CentralMoments]

    init(heads: Int, headDim: Int, tokens: Int, strips: [ChannelStrip]) {
        self.heads = heads
        self.headDim = headDim
        self.tokens = tokens
        self.strips = strips
        let channels = strips.flatMap { $0.moments }
        headMoments = (0..<heads).map { head in
            channels[head * headDim..<(head + 1) * headDim].reduce(into: CentralMoments()) { $0.merge($1) }
        }
        context = TensorContext(
            moments: headMoments.reduce(into: CentralMoments()) { $0.merge($1) },
            channelAbsoluteMaxima: channels.map { $0.absoluteMaximum }
        )
    }

    /// One channel of one head over all tokens.
    public func channel(head: Int, channel: Int) -> Distribution {
        let (strip, place) = location(head * headDim + channel)
        let sketch = strip.withCounters(ofPlace: place) { QuantileSketch(counters: $0) }
        return Distribution(moments: strip.moments[place], sketch: sketch)
    }

    /// One head over all tokens and channels.
    public func head(_ head: Int) -> Distribution {
        Distribution(moments: headMoments[head], sketch: sketch(of: head * headDim..<(head + 1) * headDim))
    }

    /// The layer's whole tensor.
    public func layer() -> Distribution {
        Distribution(moments: context.moments, sketch: sketch(of: 0..<heads * headDim))
    }

    /// The context of one head: the same tensor, but only that head's channels to look at.
    public func context(ofHead head: Int) -> TensorContext {
        context.restricted(to: head * headDim..<(head + 1) * headDim)
    }

    private func sketch(of channels: Range<Int>) -> QuantileSketch {
        channels.reduce(into: QuantileSketch()) { sum, channel in
            let (strip, place) = location(channel)
            strip.withCounters(ofPlace: place) { sum.merge(counters: $0) }
        }
    }

    private func location(_ channel: Int) -> (ChannelStrip, Int) {
        let (strip, place) = channel.quotientAndRemainder(dividingBy: TensorAccumulator.stripChannels)
        return (strips[strip], place)
    }
}
