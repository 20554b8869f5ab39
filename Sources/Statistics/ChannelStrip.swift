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

    /// Adds one block of float16 bits that begins at the strip's first channel.
    mutating func add(half elements: UnsafePointer<UInt16>, tokens: Int, stride: Int) {
        var sums = (0..<channels.count).map { place in
            Moments(
                shift: firstFinite(tokens: tokens) { HalfConversion.toFloat(elements[$0 * stride + place]) })
        }
        var perToken: [Moments] = []
        MomentSweep.add(
            half: elements, tokens: tokens, channels: channels.count, tokenStride: stride,
            channelMoments: &sums, tokenMoments: &perToken)
        merge(sums)
        countBins(tokens: tokens) { QuantileSketch.bin(half: elements[$0 * stride + $1]) }
    }

    /// Adds one block of float32 that begins at the strip's first channel.
    mutating func add(float elements: UnsafePointer<Float>, tokens: Int, stride: Int) {
        var sums = (0..<channels.count).map { place in
            Moments(shift: firstFinite(tokens: tokens) { elements[$0 * stride + place] })
        }
        var perToken: [Moments] = []
        MomentSweep.add(
            float: elements, tokens: tokens, channels: channels.count, tokenStride: stride,
            channelMoments: &sums, tokenMoments: &perToken)
        merge(sums)
        countBins(tokens: tokens) { QuantileSketch.bin(elements[$0 * stride + $1]) }
    }

    private mutating func merge(_ sums: [Moments]) {
        for place in sums.indices { moments[place].merge(CentralMoments(sums[place])) }
    }

    /// Four channels at a time, so that their counters, 32 KB at most, stay in the first-level cache.
    @inline(__always)
    private mutating func countBins(tokens: Int, bin: (_ token: Int, _ place: Int) -> Int) {
        let places = channels.count
        counters.withUnsafeMutableBufferPointer { counters in
            guard let base = counters.baseAddress else { return }
            for first in Swift.stride(from: 0, to: places, by: 4) {
                let last = min(first + 4, places)
                let table = base + first * QuantileSketch.binCount
                if last - first == 4 {
                    for token in 0..<tokens {
                        table[bin(token, first)] &+= 1
                        table[QuantileSketch.binCount &+ bin(token, first &+ 1)] &+= 1
                        table[2 &* QuantileSketch.binCount &+ bin(token, first &+ 2)] &+= 1
                        table[3 &* QuantileSketch.binCount &+ bin(token, first &+ 3)] &+= 1
                    }
                } else {
                    for token in 0..<tokens {
                        for place in first..<last {
                            table[(place &- first) &* QuantileSketch.binCount &+ bin(token, place)] &+= 1
                        }
                    }
                }
            }
        }
    }
}

/// The first finite of `tokens` elements, or 0: a shift for power sums that is one of the elements.
func firstFinite(tokens: Int, element: (Int) -> Float) -> Float {
    for token in 0..<tokens {
        let value = element(token)
        if value.isFinite { return value }
    }
    return 0
}
