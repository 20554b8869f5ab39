/// Codes of any width up to 16 bits, one after the other from the least significant bit of the first byte.
enum BitPacking {
    static func byteCount(_ count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

    /// - Precondition: codes below `2^bits`.
    static func pack(_ codes: [UInt16], bits: Int) -> [UInt8] {
        if bits == 8 { return codes.map { UInt8(truncatingIfNeeded: $0) } }
        return [UInt8](unsafeUninitializedCapacity: byteCount(codes.count, bits: bits)) { target, filled in
            var held: UInt32 = 0, heldBits = 0, place = 0
            for code in codes {
                held |= UInt32(code) << UInt32(heldBits)
                heldBits += bits
                while heldBits >= 8 {
                    target[place] = UInt8(truncatingIfNeeded: held)
                    (held, heldBits, place) = (held >> 8, heldBits - 8, place + 1)
                }
            }
            if heldBits > 0 {
                target[place] = UInt8(truncatingIfNeeded: held)
                place += 1
            }
            filled = place
        }
    }

    /// - Precondition: bytes of so many codes.
    static func unpack(_ bytes: [UInt8], count: Int, bits: Int) -> [UInt16] {
        precondition(bytes.count == byteCount(count, bits: bits), "\(bytes.count) bytes for \(count) codes")
        return [UInt16](unsafeUninitializedCapacity: count) { target, filled in
            var held: UInt32 = 0, heldBits = 0, place = 0
            let mask = UInt32(1) << UInt32(bits) - 1
            for index in 0..<count {
                while heldBits < bits {
                    held |= UInt32(bytes[place]) << UInt32(heldBits)
                    (heldBits, place) = (heldBits + 8, place + 1)
                }
                target[index] = UInt16(held & mask)
                (held, heldBits) = (held >> UInt32(bits), heldBits - bits)
            }
            filled = count
        }
    }

    // MARK: - Any number of levels

    /// Digits of a number of levels that is no power of two, as many a byte as fit: five of three levels.
    static func digitsPerByte(levels: Int) -> Int {
        var count = 0, values = 1
        while values * levels <= 256 { (count, values) = (count + 1, values * levels) }
        return count
    }

    static func byteCount(_ count: Int, levels: Int) -> Int {
        if levels & (levels - 1) == 0 { return byteCount(count, bits: levels.trailingZeroBitCount) }
        let digits = digitsPerByte(levels: levels)
        return (count + digits - 1) / digits
    }

    static func pack(_ codes: [UInt16], levels: Int) -> [UInt8] {
        if levels & (levels - 1) == 0 { return pack(codes, bits: levels.trailingZeroBitCount) }
        let digits = digitsPerByte(levels: levels)
        return stride(from: 0, to: codes.count, by: digits).map { first in
            let end = min(codes.count, first + digits)
            return UInt8(codes[first..<end].reversed().reduce(0) { $0 * levels + Int($1) })
        }
    }

    static func unpack(_ bytes: [UInt8], count: Int, levels: Int) -> [UInt16] {
        if levels & (levels - 1) == 0 { return unpack(bytes, count: count, bits: levels.trailingZeroBitCount) }
        let digits = digitsPerByte(levels: levels)
        var codes: [UInt16] = []
        codes.reserveCapacity(bytes.count * digits)
        for byte in bytes {
            var rest = Int(byte)
            for _ in 0..<digits {
                codes.append(UInt16(rest % levels))
                rest /= levels
            }
        }
        return Array(codes.prefix(count))
    }
}
