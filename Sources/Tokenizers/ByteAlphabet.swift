/// GPT-2's one-to-one map between bytes and printable characters, in which vocabularies are written.
///
/// Printable Latin-1 characters stand for themselves; the other bytes, in
/// order, for U+0100 and up, so that a space is `Ġ`. Source: Radford et al.,
/// "Language Models are Unsupervised Multitask Learners" (2019), encoder code.
package enum ByteAlphabet {
    /// Character of each byte.
    package static let scalars: [UInt32] = {
        var spare: UInt32 = 0x100
        return (0..<256).map { (byte: UInt32) -> UInt32 in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
            default:
                defer { spare += 1 }
                return spare
            }
        }
    }()

    /// Byte of each character below U+0144, or -1.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    /// Appends the bytes that `text` stands for; leaves `output` and says `false` if a character is outside the alphabet.
    static func decode(_ text: some StringProtocol, into output: inout [UInt8]) -> Bool {
        let start = output.count
        for scalar in text.unicodeScalars {
            guard scalar.value < UInt32(bytes.count), bytes[Int(scalar.value)] >= 0 else {
                output.removeSubrange(start...)
                return false
            }
            output.append(UInt8(truncatingIfNeeded: bytes[Int(scalar.value)]))
        }
        return true
    }
}
