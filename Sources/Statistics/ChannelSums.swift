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
        let channels = moments.count
        // A first look in the order of memory, so that the sweeps, which go down columns, find the piece in cache.
        touch(UnsafeRawPointer(piece), bytes: tokens * channels * MemoryLayout<Element>.stride)
        setShifts(piece, tokens: tokens)
        Element.sweep(piece, tokens: tokens, channels: channels, stride: channels, channelMoments: &sums)
        if recentTokens + tokens > UInt16.max { emptyRecent() }
        recentTokens += tokens
        countBins(piece, tokens: tokens)
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

    /// Four channels at a time, so that their counters, 16 KB at most, stay in the first-level cache.
    private mutating func countBins<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        let channels = moments.count
        let bins = QuantileSketch.binCount
        recent.withUnsafeMutableBufferPointer { recent in
            guard let base = recent.baseAddress else { return }
            var channel = 0
            while channel &+ 4 <= channels {
                let table = base + channel &* bins
                var row = piece + channel
                for _ in 0..<tokens {
                    table[row[0].bin] &+= 1
                    table[bins &+ row[1].bin] &+= 1
                    table[2 &* bins &+ row[2].bin] &+= 1
                    table[3 &* bins &+ row[3].bin] &+= 1
                    row += channels
                }
                channel &+= 4
            }
            while channel < channels {
                let table = base + channel &* bins
                for token in 0..<tokens { table[piece[token &* channels &+ channel].bin] &+= 1 }
                channel &+= 1
            }
        }
    }
}

/// Reads one byte of each cache line.
@inline(never)
@discardableResult
private func touch(_ memory: UnsafeRawPointer, bytes: Int) -> UInt8 {
    var seen: UInt8 = 0
    for offset in stride(from: 0, to: bytes, by: 64) { seen &+= memory.load(fromByteOffset: offset, as: UInt8.self) }
    return seen
}
