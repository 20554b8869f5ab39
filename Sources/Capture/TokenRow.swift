/// One token as the capture stores it.
struct TokenRow: Sendable {
    let id: Int32
    let sequence: Int
    /// Index within its sequence.
    let position: Int
    /// The piece as text, with U+FFFD for what is not UTF-8 and for NUL, which HDF5's texts cannot hold.
    let text: String
    /// All bytes of the piece in hexadecimal if `text` is not exactly the piece, else empty.
    let bytesHex: String

    init(id: Int32, sequence: Int, position: Int, piece: [UInt8]) {
        self.id = id
        self.sequence = sequence
        self.position = position
        let decoded = String(decoding: piece, as: UTF8.self)
        text = piece.contains(0) ? decoded.replacing("\0", with: "\u{FFFD}") : decoded
        bytesHex = text.utf8.elementsEqual(piece) ? "" : piece.map { hexadecimal($0) }.joined()
    }
}

/// Two digits.
private func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
}

/// The bytes that pairs of digits stand for, or `nil` if the text is no such pairs.
func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = digits[index], let low = digits[index + 1] else { return nil }
        bytes.append(UInt8(high << 4 | low))
    }
    return bytes
}
