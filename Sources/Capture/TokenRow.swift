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

private func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
}
