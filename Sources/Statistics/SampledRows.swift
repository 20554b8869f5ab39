import Kernels

/// The elements that quantiles are taken from: rows of some tokens, counted in bins of their channels.
///
/// What it holds is a sum over rows, so that parts merge in any order to the same bits.
struct SampledRows: Sendable {
    let channels: Int
    /// Rows not counted yet, `[token, channel]`, as float16 bits; of float32 those next to it towards zero.
    private var waiting: [[UInt16]] = []
    private var waitingRows = 0
    /// [channel][bin]; empty until rows are counted.
    private(set) var counts: [UInt32] = []

    /// Bytes of rows that wait at most; and rows, which 16-bit counters must hold.
    private static let waitingBytes = 16 << 20
    private static let mostRows = 1 << 15
    /// Channels counted by one work item, a line of cache of each row; and rows at a time, which fit the first cache.
    private static let group = 32
    private static let rowsAtOnce = 256

    init(channels: Int) { self.channels = channels }

    /// Makes room for rows to come, so that none is moved for others.
    mutating func reserve(_ rows: Int) {
        guard waitingRows == 0, rows > 0 else { return }
        waiting = [[]]
        waiting[0].reserveCapacity(min(rows * channels, Self.waitingBytes / 2 + channels))
    }

    /// Adds the row of one token.
    mutating func add<Element: SlabElement>(_ row: UnsafePointer<Element>) {
        if waiting.isEmpty { waiting = [[]] }
        let last = waiting.count - 1
        Element.appendHalves(row, count: channels, to: &waiting[last])
        waitingRows += 1
        if isFull { count() }
    }

    mutating func merge(_ other: SampledRows) {
        waiting += other.waiting
        waitingRows += other.waitingRows
        // Two that are not full are no more than 16 bits count.
        if counts.isEmpty {
            counts = other.counts
        } else {
            for (index, count) in other.counts.enumerated() { counts[index] += count }
        }
        if isFull { count() }
    }

    private var isFull: Bool { waitingRows >= Self.mostRows || 2 * waitingRows * channels >= Self.waitingBytes }

    /// Counts what waits, on all threads.
    mutating func count() {
        guard waitingRows > 0, channels > 0 else { return }
        let bins = QuantileSketch.binCount
        if counts.isEmpty { counts = [UInt32](repeating: 0, count: channels * bins) }
        let (parts, channels) = (waiting, channels)
        counts.withUnsafeMutableBufferPointer { counts in
            // Each item counts its own channels only.
            nonisolated(unsafe) let counts = counts
            Parallel.forEachBlock(of: Self.group, in: channels) { group in
                var counters = [UInt16](repeating: 0, count: group.count * bins)
                counters.withUnsafeMutableBufferPointer { counters in
                    for part in parts { Self.count(part, channels, group, counters) }
                }
                let first = group.lowerBound * bins
                for index in counters.indices { counts[first + index] += UInt32(counters[index]) }
            }
        }
        waiting = []
        waitingRows = 0
    }

    private static func count(
        _ rows: [UInt16],
        _ channels: Int,
        _ group: Range<Int>,
        _ counters: UnsafeMutableBufferPointer<UInt16>
    ) {
        rows.withUnsafeBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            let count = elements.count / channels
            for row in stride(from: 0, to: count, by: rowsAtOnce) {
                var (byChannel, byToken) = ([Moments](), [Moments]())
                MomentSweep.add(
                    half: base + row * channels + group.lowerBound,
                    tokens: min(rowsAtOnce, count - row),
                    channels: group.count,
                    tokenStride: channels,
                    channelMoments: &byChannel,
                    tokenMoments: &byToken,
                    counters: counters
                )
            }
        }
    }

    /// How often each bin occurs in some channels together.
    ///
    /// - Precondition: nothing waits.
    func sketch(of channels: Range<Int>) -> QuantileSketch {
        precondition(waitingRows == 0, "\(waitingRows) rows are not counted yet")
        var sketch = QuantileSketch()
        guard !counts.isEmpty else { return sketch }
        for channel in channels {
            sketch.add(counts[channel * QuantileSketch.binCount..<(channel + 1) * QuantileSketch.binCount])
        }
        return sketch
    }
}
