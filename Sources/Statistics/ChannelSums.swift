import Kernels

/// Moments and bin counters of all channels of a tensor.
struct ChannelSums: Sendable {
    private(set) var moments: [CentralMoments]
    /// Power sums of the present block.
    private var sums: [Moments]
    /// [channel][bin]. 32 bits hold 4 G tokens, 8 GB of one channel alone.
    private var counters: [UInt32]

    init(channels: Int) {
        moments = [CentralMoments](repeating: CentralMoments(), count: channels)
        sums = [Moments](repeating: Moments(), count: channels)
        counters = [UInt32](repeating: 0, count: channels * QuantileSketch.binCount)
    }

    /// Adds the counters of one channel to `sketch`.
    func addCounters(of channel: Int, to sketch: inout QuantileSketch) {
        counters.withUnsafeBufferPointer { counters in
            let first = channel * QuantileSketch.binCount
            sketch.merge(counters: UnsafeBufferPointer(rebasing: counters[first..<first + QuantileSketch.binCount]))
        }
    }

    /// Adds a piece of a block, `[token, channel]`.
    mutating func add<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        let channels = moments.count
        // A first look in the order of memory, so that the sweeps, which go down columns, find the piece in cache.
        touch(UnsafeRawPointer(piece), bytes: tokens * channels * MemoryLayout<Element>.stride)
        for channel in sums.indices where sums[channel].count == 0 {
            sums[channel].shift = (piece + channel).typicalValue(count: tokens, stride: channels)
        }
        Element.sweep(piece, tokens: tokens, channels: channels, stride: channels, channelMoments: &sums)
        countBins(piece, tokens: tokens)
    }

    /// Ends a block: its power sums become central and join those of the blocks before.
    mutating func endBlock() {
        for channel in sums.indices {
            moments[channel].merge(CentralMoments(sums[channel]))
            sums[channel] = Moments()
        }
    }

    /// Four channels at a time, so that their counters, 32 KB at most, stay in the first-level cache.
    private mutating func countBins<Element: SlabElement>(_ piece: UnsafePointer<Element>, tokens: Int) {
        let channels = moments.count
        let bins = QuantileSketch.binCount
        counters.withUnsafeMutableBufferPointer { counters in
            guard let base = counters.baseAddress else { return }
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

extension UnsafePointer where Pointee: SlabElement {
    /// A finite element from the middle of the distribution, as a shift for power sums; 0 if none is finite.
    ///
    /// The median of nine elements spread over the set: one of the elements, so
    /// that constant input gives sums of exactly 0, and near the mean unless the
    /// set is strange, so that few bits are lost where kernels sum in float32.
    func typicalValue(count: Int, stride: Int) -> Float {
        let samples = Swift.min(count, 9)
        let spread = (0..<samples).map { self[$0 * count / samples * stride].float }.filter { $0.isFinite }.sorted()
        if !spread.isEmpty { return spread[spread.count / 2] }
        for index in 0..<count {
            let value = self[index * stride].float
            if value.isFinite { return value }
        }
        return 0
    }
}
