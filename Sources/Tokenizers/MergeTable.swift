/// The merges of a byte-pair encoding: which two symbols make which, and how soon.
struct MergeTable: Sendable {
    /// No merge; above every rank.
    static let noRank = UInt32.max

    /// Left symbol in the upper, right in the lower half, plus 1; 0 for a free slot.
    private var keys: [UInt64]
    private var ranks: [UInt32]
    /// The symbol that the merge of each rank makes.
    private(set) var results: [Int32] = []
    private let shift: UInt64

    init(capacity: Int) {
        var bits: UInt64 = 6
        while (1 << bits) * 2 < capacity * 3 { bits += 1 }
        keys = [UInt64](repeating: 0, count: 1 << bits)
        ranks = [UInt32](repeating: Self.noRank, count: 1 << bits)
        shift = 64 - bits
        results.reserveCapacity(capacity)
    }

    /// Adds the merge of the next rank; a pair that has one already keeps it.
    ///
    /// - Precondition: not called more often than `capacity` says.
    mutating func append(_ left: Int32, _ right: Int32, result: Int32) {
        let slot = slot(of: left, right)
        if keys[slot] == 0 {
            keys[slot] = Self.key(left, right)
            ranks[slot] = UInt32(results.count)
        }
        results.append(result)
    }

    /// The pair's rank, or `noRank`.
    @inline(__always)
    func rank(_ left: Int32, _ right: Int32) -> UInt32 { ranks[slot(of: left, right)] }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) &+ 1
    }

    @inline(__always)
    private func slot(of left: Int32, _ right: Int32) -> Int {
        let key = Self.key(left, right)
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[slot] != 0, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
        return slot
    }
}
