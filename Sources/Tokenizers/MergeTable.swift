/// The merges of a byte-pair encoding: which two symbols make which, and how soon.
struct MergeTable: Sendable {
    /// No merge; above every rank.
    static let noRank = UInt32.max
    /// Ranks must fit what a heap entry's position leaves of 64 bits.
    static let rankLimit = 1 << 24

    /// Left symbol in the upper, right in the lower half, plus 1; 0 for a free slot.
    private var keys: [UInt64]
    private var ranks: [UInt32]
    /// The symbol that the merge makes.
    private var results: [Int32]
    private let shift: UInt64
    private(set) var count = 0

    init(capacity: Int) {
        var bits: UInt64 = 6
        while (1 << bits) * 2 < capacity * 3 { bits += 1 }
        keys = [UInt64](repeating: 0, count: 1 << bits)
        ranks = [UInt32](repeating: Self.noRank, count: 1 << bits)
        results = [Int32](repeating: -1, count: 1 << bits)
        shift = 64 - bits
    }

    /// Adds a merge; a pair that has one already keeps it, and the answer is `false`.
    ///
    /// - Precondition: symbols are not negative; not called more often than `capacity` says.
    @discardableResult
    mutating func append(_ left: Int32, _ right: Int32, rank: UInt32, result: Int32) -> Bool {
        let slot = slot(of: left, right)
        guard keys[slot] == 0 else { return false }
        keys[slot] = Self.key(left, right)
        ranks[slot] = rank
        results[slot] = result
        count += 1
        return true
    }

    /// The pair's rank, or `noRank`; always that for a symbol of -1.
    @inline(__always)
    func rank(_ left: Int32, _ right: Int32) -> UInt32 { ranks[slot(of: left, right)] }

    /// What the pair makes, or -1.
    @inline(__always)
    func result(_ left: Int32, _ right: Int32) -> Int32 { results[slot(of: left, right)] }

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
