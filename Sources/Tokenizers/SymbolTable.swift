/// Byte strings numbered in the order of their arrival, found by content.
///
/// Open addressing over one arena: `[String: Int]` would hash by Unicode's
/// canonical equivalence, which is slow and merges tokens that differ.
struct SymbolTable: Sendable {
    private var arena: [UInt8] = []
    private var starts: [Int] = [0]
    /// Symbol + 1, or 0 for a free slot; a power of two, never full.
    private var slots: [Int32]

    init(capacity: Int) {
        slots = [Int32](repeating: 0, count: Self.slotCount(for: capacity))
        starts.reserveCapacity(capacity + 1)
    }

    private static func slotCount(for count: Int) -> Int {
        var slots = 64
        while slots * 2 < count * 3 { slots *= 2 }
        return slots
    }

    var count: Int { starts.count - 1 }

    /// The bytes of a symbol.
    subscript(symbol: Int) -> ArraySlice<UInt8> { arena[starts[symbol]..<starts[symbol + 1]] }

    func length(of symbol: Int) -> Int { starts[symbol + 1] - starts[symbol] }

    /// Adds a symbol with no way to find it by content.
    mutating func appendUnfindable(_ bytes: some Sequence<UInt8>) {
        arena.append(contentsOf: bytes)
        starts.append(arena.count)
    }

    /// Adds a symbol; if the content is known already, it is found under the new number from now on.
    mutating func append(_ bytes: [UInt8]) {
        let symbol = count
        appendUnfindable(bytes)
        if (count * 3) >= slots.count * 2 { grow() }
        slots[slot(of: bytes)] = Int32(symbol + 1)
    }

    /// The symbol with this content, or `nil`.
    func find(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBufferPointer(find) }

    func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let found = slots[slot(of: bytes)]
        return found == 0 ? nil : Int(found) - 1
    }

    private func slot(of bytes: [UInt8]) -> Int { bytes.withUnsafeBufferPointer(slot) }

    /// The slot that holds this content, or the free one where it belongs.
    private func slot(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hashBytes(bytes)) & mask
        while slots[slot] != 0, !holds(bytes, symbol: Int(slots[slot]) - 1) { slot = (slot + 1) & mask }
        return slot
    }

    @inline(__always)
    private func holds(_ bytes: UnsafeBufferPointer<UInt8>, symbol: Int) -> Bool {
        let start = starts[symbol]
        guard starts[symbol + 1] - start == bytes.count else { return false }
        for index in bytes.indices where arena[start + index] != bytes[index] { return false }
        return true
    }

    private mutating func grow() {
        let old = slots.filter { $0 != 0 }
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for entry in old { slots[slot(of: Array(self[Int(entry) - 1]))] = entry }
    }
}

/// FNV-1a with a final mix; words are short.
@inline(__always)
func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash ^ (hash >> 29)
}
