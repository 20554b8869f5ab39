/// 16-bit words as bytes, least significant first, on every machine.
enum LittleEndian {
    static func bytes(of words: [UInt16]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 2 * words.count) { target, filled in
            for (index, word) in words.enumerated() {
                target[2 * index] = UInt8(truncatingIfNeeded: word)
                target[2 * index + 1] = UInt8(truncatingIfNeeded: word >> 8)
            }
            filled = 2 * words.count
        }
    }

    /// - Precondition: an even number of bytes.
    static func words(of bytes: ArraySlice<UInt8>) -> [UInt16] {
        precondition(bytes.count.isMultiple(of: 2), "\(bytes.count) bytes are no 16-bit words")
        return bytes.withUnsafeBufferPointer { bytes in
            [UInt16](unsafeUninitializedCapacity: bytes.count / 2) { target, filled in
                for index in 0..<bytes.count / 2 {
                    target[index] = UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8
                }
                filled = bytes.count / 2
            }
        }
    }
}
