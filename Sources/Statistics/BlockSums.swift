import Kernels

/// What is summed of all channels over one block of tokens, piece by piece.
struct BlockSums: Sendable {
    private var sums: [Moments]
    /// [channel][threshold]: elements of at least each magnitude of `CentralMoments.magnitudes`.
    private var large: [UInt32]

    /// Channels whose large elements are counted at once, where one of them has any.
    private static let group = 16

    init(channels: Int) {
        sums = [Moments](repeating: Moments(), count: channels)
        large = [UInt32](repeating: 0, count: channels * MagnitudeCount.thresholdCount)
    }

    /// Adds a piece of the block, `[token, channel]`.
    mutating func add<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        setShifts(piece, tokens: tokens)
        Element.sweep(piece, tokens: tokens, channels: sums.count, stride: sums.count, channelMoments: &sums)
        countLarge(piece, tokens: tokens)
    }

    /// The moments of the block, which ends here.
    mutating func end() -> [CentralMoments] {
        let moments = sums.indices.map { channel in
            CentralMoments(sums[channel], magnitudeCounts: SIMD2(Int(large[2 * channel]), Int(large[2 * channel + 1])))
        }
        for channel in sums.indices { sums[channel] = Moments() }
        for index in large.indices { large[index] = 0 }
        return moments
    }

    /// Looks again only at channels whose extremes say that there is something to count.
    private mutating func countLarge<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        let least = Float(CentralMoments.magnitudes[0])
        for first in stride(from: 0, to: sums.count, by: Self.group) {
            let channels = first..<min(sums.count, first + Self.group)
            guard sums[channels].contains(where: { max(-$0.minimum, $0.maximum) >= least }) else { continue }
            large.withUnsafeMutableBufferPointer { large in
                guard let counts = large.baseAddress else { return }
                MagnitudeCount.add(
                    piece + first,
                    isHalf: Element.self == UInt16.self,
                    tokens: tokens,
                    channels: channels.count,
                    tokenStride: sums.count,
                    thresholds: (least, Float(CentralMoments.magnitudes[1])),
                    counts: counts + first * MagnitudeCount.thresholdCount
                )
            }
        }
    }

    /// Gives the channels that have no finite element of this block yet a value to take power sums about.
    ///
    /// The median of five elements spread over the piece: one of the elements, so
    /// that constant input gives sums of exactly 0, and near the mean unless the
    /// channel is strange, so that few bits are lost where kernels sum in float32.
    private mutating func setShifts<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        guard tokens > 0, sums.contains(where: { $0.count == 0 }) else { return }
        let channels = sums.count
        let rows = (0..<5).map { Element.floats(piece + $0 * tokens / 5 * channels, count: channels) }
        for channel in sums.indices where sums[channel].count == 0 {
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
}
