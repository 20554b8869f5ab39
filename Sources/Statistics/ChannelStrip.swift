import Kernels

/// Neighbouring channels that one work item sweeps: their moments and bin counters.
struct ChannelStrip: Sendable {
    /// Places in the row of head · channels.
    let channels: Range<Int>
    private(set) var moments: [CentralMoments]
    /// [channel][bin]. 32 bits hold 4 G tokens, 8 GB of one channel alone.
    private var counters: [UInt32]

    init(channels: Range<Int>) {
        self.channels = channels
        moments = [CentralMoments](repeating: CentralMoments(), count: channels.count)
        counters = [UInt32](repeating: 0, count: channels.count * QuantileSketch.binCount)
    }

    /// The bin counters of one channel, by its place in the strip.
    func withCounters<Result>(ofPlace place: Int, _ body: (UnsafeBufferPointer<UInt32>) -> Result) -> Result {
        counters.withUnsafeBufferPointer { counters in
            let first = place * QuantileSketch.binCount
            return body(UnsafeBufferPointer(rebasing: counters[first..<first + QuantileSketch.binCount]))
        }
    }

    /// Adds one block that begins at the strip's first channel; tokens lie `stride` elements apart.
    mutating func add<Element: SlabElement>(_ block: UnsafePointer<Element>, tokens: Int, stride: Int) {
        var sums = channels.indices.map { place in
            Moments(shift: (block + (place - channels.lowerBound)).firstFinite(count: tokens, stride: stride))
        }
        Element.sweep(block, tokens: tokens, channels: channels.count, stride: stride, channelMoments: &sums)
        for place in sums.indices { moments[place].merge(CentralMoments(sums[place])) }
        countBins(block, tokens: tokens, stride: stride)
    }

    /// Four channels at a time, so that their counters, 32 KB at most, stay in the first-level cache.
    private mutating func countBins<Element: SlabElement>(
        _ block: UnsafePointer<Element>,
        tokens: Int,
        stride: Int
    ) {
        let places = channels.count
        let bins = QuantileSketch.binCount
        counters.withUnsafeMutableBufferPointer { counters in
            guard let base = counters.baseAddress else { return }
            var place = 0
            while place &+ 4 <= places {
                let table = base + place &* bins
                var row = block + place
                for _ in 0..<tokens {
                    table[row[0].bin] &+= 1
                    table[bins &+ row[1].bin] &+= 1
                    table[2 &* bins &+ row[2].bin] &+= 1
                    table[3 &* bins &+ row[3].bin] &+= 1
                    row += stride
                }
                place &+= 4
            }
            while place < places {
                let table = base + place &* bins
                for token in 0..<tokens { table[block[token &* stride &+ place].bin] &+= 1 }
                place &+= 1
            }
        }
    }
}
