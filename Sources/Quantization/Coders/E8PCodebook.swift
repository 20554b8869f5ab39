/// 65,536 points of E8 + ¼ near zero: 256 patterns of magnitudes, seven signs, and which side of ¼.
///
/// The patterns are all of half-odd numbers with a squared norm of at most 10 (227), and 29 of the 56 of norm 12 with five
/// times 3/2, the first in order. Seven signs are free, the eighth makes the sum even. Source: Tseng et al., QuIP#, ICML
/// 2024, §4.2; which 29 of norm 12 are taken is not essential to it.
enum E8PCodebook {
    /// What one step of the lattice stands for; of least error for normal numbers, as QuIP# has it.
    private static let step: Float = 1 / 1.03

    /// `[pattern][channel]`
    private static let magnitudes: [Float] = {
        var near: [[Float]] = [], far: [[Float]] = []
        func extend(_ prefix: [Float], _ norm: Float) {
            if prefix.count == 8 {
                if norm <= 10 { near.append(prefix) } else if norm == 12 && !prefix.contains(2.5) { far.append(prefix) }
                return
            }
            for value: Float in [0.5, 1.5, 2.5] where norm + value * value <= 12 {
                extend(prefix + [value], norm + value * value)
            }
        }
        extend([], 0)
        return Array((near + far.prefix(256 - near.count)).joined())
    }()

    /// Squared norms of patterns, and whether their number of minus signs is odd.
    private static let norms: [Float] = (0..<256).map { pattern in
        magnitudes[pattern * 8..<pattern * 8 + 8].reduce(0) { $0 + $1 * $1 }
    }
    private static let isOdd: [Bool] = (0..<256).map { pattern in
        Int(magnitudes[pattern * 8..<pattern * 8 + 8].reduce(0, +)) % 2 != 0
    }

    /// Pattern, seven signs and shift: bits 8–15, 1–7 and 0.
    static func nearest(_ x: ArraySlice<Float>) -> UInt16 {
        var best: UInt16 = 0, least = Float.infinity
        for shift: UInt16 in [0, 1] {
            let offset: Float = shift == 0 ? 0.25 : -0.25
            let y = x.map { $0 / step - offset }, size = y.map { abs($0) }
            let minus = y.map { $0 < 0 }, isOddHere = minus.reduce(false) { $0 != $1 }
            for pattern in 0..<256 {
                var product: Float = 0, smallest = Float.infinity, place = 0
                for i in 0..<8 {
                    let part = size[i] * magnitudes[pattern * 8 + i]
                    product += part
                    if part < smallest { (smallest, place) = (part, i) }
                }
                let flips = isOddHere != isOdd[pattern]
                let distance =
                    norms[pattern] - 2 * (flips ? product - 2 * smallest : product)
                    + size.reduce(0) { $0 + $1 * $1 }
                guard distance < least else { continue }
                least = distance
                var signs: UInt16 = 0
                for i in 0..<7 where minus[i] != (flips && place == i) { signs |= 1 << UInt16(i) }
                best = UInt16(pattern) << 8 | signs << 1 | shift
            }
        }
        return best
    }

    static func vector(_ code: UInt16) -> [Float] {
        let pattern = Int(code >> 8), signs = code >> 1 & 0x7F, offset: Float = code & 1 == 0 ? 0.25 : -0.25
        let isLastMinus = (signs.nonzeroBitCount % 2 != 0) != isOdd[pattern]
        return (0..<8).map { i in
            let isMinus = i < 7 ? signs >> UInt16(i) & 1 == 1 : isLastMinus
            let value = magnitudes[pattern * 8 + i]
            return ((isMinus ? -value : value) + offset) * step
        }
    }
}
