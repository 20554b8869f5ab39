import Foundation

/// Unicode's normalization form C of bytes that may not all be UTF-8; those that are not stay as they are.
enum CanonicalComposition {
    /// Lead bytes below this begin characters below U+0300, which no composition changes or begins with.
    private static let firstAffectedLead: UInt8 = 0xCC

    /// Characters that are composed already and never join the one before. Most text is made of them.
    private static let settled: [ClosedRange<UInt32>] = [
        0x391...0x3CE, 0x400...0x482, 0x48A...0x52F, 0x5D0...0x5EA, 0x620...0x64A, 0xE01...0xE33, 0x2010...0x2027,
        0x2030...0x205E, 0x3001...0x3029, 0x3041...0x3096, 0x30A1...0x30FA, 0x3400...0x4DBF, 0x4E00...0x9FFF,
        0xAC00...0xD7A3, 0xFF01...0xFF5E, 0x1F300...0x1FAFF,
    ]

    /// The composed bytes, or `nil` if nothing changes.
    ///
    /// - Complexity: O(bytes).
    static func compose(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(where: { $0 >= firstAffectedLead }) else { return nil }
        return bytes.withUnsafeBufferPointer { text in
            var output: [UInt8] = []
            output.reserveCapacity(text.count)
            var position = 0
            /// Where the character before `position` begins, if it is UTF-8.
            var before: Int?
            /// Up to where `text` has been copied.
            var copied = 0
            while position < text.count {
                guard text[position] >= firstAffectedLead else {
                    let (scalar, next) = decodeScalar(text, at: position, limit: text.count)
                    before = scalar == invalidScalar ? nil : position
                    position = next
                    continue
                }
                // The region ends before ASCII or invalid bytes, across which nothing composes.
                let start = before ?? position
                var isSettled = true
                var end = position
                while end < text.count, text[end] >= 0x80 {
                    let (scalar, next) = decodeScalar(text, at: end, limit: text.count)
                    if scalar == invalidScalar { break }
                    if isSettled, scalar >= 0x300 { isSettled = settled.contains { $0.contains(scalar) } }
                    end = next
                }
                if end == position {
                    // An invalid byte.
                    (before, position) = (nil, position + 1)
                    continue
                }
                if !isSettled {
                    output.append(contentsOf: text[copied..<start])
                    let region = String(decoding: text[start..<end], as: UTF8.self)
                    output.append(contentsOf: region.precomposedStringWithCanonicalMapping.utf8)
                    copied = end
                }
                (before, position) = (nil, end)
            }
            guard copied > 0 else { return nil }
            output.append(contentsOf: text[copied...])
            return output
        }
    }
}
