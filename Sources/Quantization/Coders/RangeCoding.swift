/// A range coder with static frequencies: bytes whose number is within a few of the message's information.
///
/// Source: Martin, "Range encoding: an algorithm for removing redundancy from a digitised message" (1979); carries are
/// kept as Subbotin's carryless variant does.
enum RangeCoding {
    /// What the frequencies of a table add to.
    static let total: UInt32 = 1 << 14

    /// Frequencies in proportion to counts, each at least 1.
    static func frequencies(_ counts: ArraySlice<Int>) -> [UInt32] {
        let spare = Int(total) - counts.count, all = max(1, counts.reduce(0, +))
        var result = counts.map { UInt32(1 + $0 * spare / all) }
        // What rounding left goes to the most frequent.
        let rest = total - result.reduce(0, +)
        if let most = result.indices.max(by: { result[$0] < result[$1] }) { result[most] += rest }
        return result
    }

    struct Table {
        fileprivate let starts: [UInt32]
        var isWhole: Bool { starts.last == RangeCoding.total && zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 } }

        init(_ frequencies: [UInt32]) {
            var starts: [UInt32] = [0]
            for frequency in frequencies { starts.append(starts[starts.count - 1] &+ frequency) }
            self.starts = starts
        }
    }

    private static let top: UInt32 = 1 << 24, bottom: UInt32 = 1 << 16

    struct Encoder {
        private var low: UInt32 = 0, range = UInt32.max
        private var bytes: [UInt8] = []

        mutating func write(_ symbol: Int, _ table: Table) {
            range /= RangeCoding.total
            low &+= table.starts[symbol] &* range
            range &*= table.starts[symbol + 1] - table.starts[symbol]
            while true {
                if (low ^ (low &+ range)) >= RangeCoding.top {
                    guard range < RangeCoding.bottom else { return }
                    range = (0 &- low) & (RangeCoding.bottom - 1)
                }
                bytes.append(UInt8(truncatingIfNeeded: low >> 24))
                (low, range) = (low << 8, range << 8)
            }
        }

        mutating func finish() -> [UInt8] {
            for _ in 0..<4 {
                bytes.append(UInt8(truncatingIfNeeded: low >> 24))
                low <<= 8
            }
            return bytes
        }
    }

    struct Decoder {
        private let bytes: [UInt8]
        private var place = 0
        private var low: UInt32 = 0, range = UInt32.max, code: UInt32 = 0
        private var isBeyond = false

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            for _ in 0..<4 { shift() }
        }

        private mutating func shift() {
            if place >= bytes.count { isBeyond = true }
            code = code << 8 | (place < bytes.count ? UInt32(bytes[place]) : 0)
            place += 1
        }

        /// The next symbol; `nil` if the bytes are over.
        mutating func read(_ table: Table) -> Int? {
            guard !isBeyond else { return nil }
            range /= RangeCoding.total
            let count = min((code &- low) / range, RangeCoding.total - 1)
            var first = 0, last = table.starts.count - 1
            while last - first > 1 {
                let middle = (first + last) / 2
                if table.starts[middle] <= count { first = middle } else { last = middle }
            }
            low &+= table.starts[first] &* range
            range &*= table.starts[first + 1] - table.starts[first]
            while true {
                if (low ^ (low &+ range)) >= RangeCoding.top {
                    guard range < RangeCoding.bottom else { return first }
                    range = (0 &- low) & (RangeCoding.bottom - 1)
                }
                shift()
                (low, range) = (low << 8, range << 8)
            }
        }

        var isAtEnd: Bool { place == bytes.count && !isBeyond }
    }
}
