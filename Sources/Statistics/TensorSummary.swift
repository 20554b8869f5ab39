/// The statistics of one layer's tensor, at every grain but the token's.
public struct TensorSummary: Sendable {
    public let heads: Int
    public let headDim: Int
    public let tokens: Int
    /// The layer's whole tensor.
    public let context: TensorContext
    private let channels: ChannelSums
    private let headMoments: [CentralMoments]

    init(heads: Int, headDim: Int, tokens: Int, channels: ChannelSums) {
        self.heads = heads
        self.headDim = headDim
        self.tokens = tokens
        self.channels = channels
        let moments = channels.moments
        headMoments = (0..<heads).map { head in
            moments[head * headDim..<(head + 1) * headDim].reduce(into: CentralMoments()) { $0.merge($1) }
        }
        context = TensorContext(
            moments: headMoments.reduce(into: CentralMoments()) { $0.merge($1) },
            channelAbsoluteMaxima: moments.map { $0.absoluteMaximum }
        )
    }

    /// One channel of one head over all tokens.
    public func channel(head: Int, channel: Int) -> Distribution {
        let place = head * headDim + channel
        return Distribution(moments: channels.moments[place], sketch: channels.sketch(of: place..<place + 1))
    }

    /// One head over all tokens and channels.
    public func head(_ head: Int) -> Distribution {
        Distribution(moments: headMoments[head], sketch: channels.sketch(of: head * headDim..<(head + 1) * headDim))
    }

    /// The layer's whole tensor.
    public func layer() -> Distribution {
        Distribution(moments: context.moments, sketch: channels.sketch(of: 0..<heads * headDim))
    }

    /// The context of one head: the same tensor, but only that head's channels to look at.
    public func context(ofHead head: Int) -> TensorContext {
        context.restricted(to: head * headDim..<(head + 1) * headDim)
    }
}
