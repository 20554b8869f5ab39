/// A symbol for each Unicode scalar, -1 for those that have none; two lookups.
struct ScalarTable: Sendable {
    private static let blockBits: UInt32 = 8
    /// Block number by scalar / 256; block 0 has no symbols.
    private var blocks = [UInt16](repeating: 0, count: 0x110000 >> 8)
    private var symbols = [Int32](repeating: -1, count: 1 << 8)

    @inline(__always)
    subscript(scalar: UInt32) -> Int32 {
        guard scalar < 0x110000 else { return -1 }
        return symbols[Int(blocks[Int(scalar >> Self.blockBits)]) << Int(Self.blockBits) | Int(scalar & 0xFF)]
    }

    /// - Precondition: `scalar` is one.
    mutating func set(_ scalar: UInt32, _ symbol: Int32) {
        let block = Int(scalar >> Self.blockBits)
        if blocks[block] == 0 {
            blocks[block] = UInt16(symbols.count >> Int(Self.blockBits))
            symbols.append(contentsOf: repeatElement(-1, count: 1 << Int(Self.blockBits)))
        }
        symbols[Int(blocks[block]) << Int(Self.blockBits) | Int(scalar & 0xFF)] = symbol
    }
}
