/// What `decodeScalar` gives for a byte that is no part of UTF-8.
let invalidScalar = UInt32.max

/// The character at `position`, which must be below `limit`, and where the next one begins.
///
/// A byte that is not UTF-8 (overlong forms and surrogates included) is one character, `invalidScalar`.
@inline(__always)
func decodeScalar(_ text: UnsafeBufferPointer<UInt8>, at position: Int, limit: Int) -> (scalar: UInt32, next: Int) {
    let first = text[position]
    if first < 0x80 { return (UInt32(first), position + 1) }
    return decodeMultibyteScalar(text, first, at: position, limit: limit)
}

private func decodeMultibyteScalar(
    _ text: UnsafeBufferPointer<UInt8>,
    _ first: UInt8,
    at position: Int,
    limit: Int
) -> (scalar: UInt32, next: Int) {
    let invalid = (invalidScalar, position + 1)
    func tail(_ index: Int) -> UInt32? {
        guard position + index < limit, text[position + index] & 0xC0 == 0x80 else { return nil }
        return UInt32(text[position + index] & 0x3F)
    }
    switch first {
    case 0xC2...0xDF:
        guard let a = tail(1) else { return invalid }
        return (UInt32(first & 0x1F) << 6 | a, position + 2)
    case 0xE0...0xEF:
        guard let a = tail(1), let b = tail(2) else { return invalid }
        let scalar = UInt32(first & 0x0F) << 12 | a << 6 | b
        guard scalar >= 0x800, !(0xD800...0xDFFF).contains(scalar) else { return invalid }
        return (scalar, position + 3)
    case 0xF0...0xF4:
        guard let a = tail(1), let b = tail(2), let c = tail(3) else { return invalid }
        let scalar = UInt32(first & 0x07) << 18 | a << 12 | b << 6 | c
        guard (0x10000...0x10FFFF).contains(scalar) else { return invalid }
        return (scalar, position + 4)
    default: return invalid
    }
}
