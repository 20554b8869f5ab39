import Kernels

/// Moments and bin counters of all channels of a tensor.
struct ChannelSums: Sendable {
    private(set) var moments: [CentralMoments]
    /// Power sums of the present block.
    private var sums: [Moments]
    /// [channel][bin], of the last tokens. Sixteen bits, since the counters in use must stay in cache.
    private var recent: [UInt16]
    /// [channel][bin], of all tokens before; empty until `recent` has to be emptied.
    private var earlier: [UInt64] = []
    private var recentTokens = 0

    init(channels: Int) {
        moments = [CentralMoments](repeating: CentralMoments(), count: channels)
        sums = [Moments](repeating: Moments(), count: channels)
        recent = [UInt16](repeating: 0, count: channels * QuantileSketch.binCount)
    }

    /// How often each bin occurs in some channels together.
    func sketch(of channels: Range<Int>) -> QuantileSketch {
        var sketch = QuantileSketch()
        for channel in channels {
            let counters = channel * QuantileSketch.binCount..<(channel + 1) * QuantileSketch.binCount
            sketch.add(recent[counters])
            if !earlier.isEmpty { sketch.add(earlier[counters]) }
        }
        return sketch
    }

    /// Adds a piece of a block, `[token, channel]`.
    mutating func add<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        setShifts(piece, tokens: tokens)
        if recentTokens + tokens > UInt16.max { emptyRecent() }
        recentTokens += tokens
        Self.sweep(piece, tokens: tokens, &sums, &recent)
    }

    private static func sweep<Element: SlabElement>(
        _ piece: UnsafePointer<Element>,
        tokens: Int,
        _ sums: inout [Moments],
        _ counters: inout [UInt16]
    ) {
        counters.withUnsafeMutableBufferPointer { counters in
            Element.sweep(
                piece,
                tokens: tokens,
                channels: sums.count,
                stride: sums.count,
                channelMoments: &sums,
                counters: counters
            )
        }
    }

    private mutating func emptyRecent() {
        if earlier.isEmpty { earlier = [UInt64](repeating: 0, count: recent.count) }
        for index in recent.indices {
            earlier[index] += UInt64(recent[index])
            recent[index] = 0
        }
        recentTokens = 0
    }

    /// Gives the channels that have no finite element yet a value to take power sums about.
    ///
    /// The median of five elements spread over the piece: one of the elements, so
    /// that constant input gives sums of exactly 0, and near the mean unless the
    /// channel is strange, so that few bits are lost where kernels sum in float32.
    /// Later blocks take the mean of those before.
    private mutating func setShifts<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        guard sums.indices.contains(where: { isUnseen($0) }) else { return }
        let channels = sums.count
        let rows = (0..<5).map { Element.floats(piece + $0 * tokens / 5 * channels, count: channels) }
        for channel in sums.indices where isUnseen(channel) {
            let middle = median(
                rows[0][channel],
                rows[1][channel],
                rows[2][channel],
                rows[3][channel],
                rows[4][channel]
            )
            sums[channel].shift =
                middle ?? (piece + channel).firstFinite(count: tokens, stride: channels)
        }
    }

    /// Ends a block: its power sums become central and join those of the blocks before.
    mutating func endBlock() {
        for channel in sums.indices {
            moments[channel].merge(CentralMoments(sums[channel]))
            sums[channel] = Moments(shift: Float(moments[channel].mean))
        }
    }

    private func isUnseen(_ channel: Int) -> Bool { moments[channel].count == 0 && sums[channel].count == 0 }
}
