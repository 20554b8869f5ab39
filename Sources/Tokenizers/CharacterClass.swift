/// The four classes of characters that pre-tokenizers tell apart.
enum CharacterClass {
    /// Past the end of the text.
    static let end: UInt8 = 0
    /// `\p{L}`
    static let letter: UInt8 = 1
    /// `\p{N}`: digits of all scripts, Roman numerals, superscripts, fractions.
    static let number: UInt8 = 2
    /// `\s`: Unicode's White_Space, as llama.cpp has it.
    static let space: UInt8 = 3
    /// All else: marks, punctuation, symbols, controls, unassigned, and bytes that are not UTF-8.
    static let other: UInt8 = 4
}

/// The class of every Unicode scalar in two lookups, since `generalCategory` is too slow to ask per character.
///
/// Built once, at first use, from the standard library's Unicode tables.
final class CharacterClassTable: @unchecked Sendable {
    static let shared = CharacterClassTable(classify: classify)
    /// `other` for punctuation as Hugging Face's `Punctuation` has it (`\p{P}` and all of ASCII's), `end` for all else.
    static let punctuation = CharacterClassTable { isPunctuation($0) ? CharacterClass.other : CharacterClass.end }

    // Planes 0–3; the planes above hold no letters, numbers or white space.
    private static let scalarCount = 0x40000
    private static let blockSize = 256

    /// Block number by scalar / 256. Never written after `init`, hence safe to share.
    private let blockIndex: UnsafeMutablePointer<UInt16>
    /// Classes, block after block; equal blocks are stored once.
    private let classes: UnsafeMutablePointer<UInt8>
    /// Class of the planes above, and of bytes that are not UTF-8.
    private let beyond: UInt8

    private init(classify: (UInt32) -> UInt8) {
        let blockCount = Self.scalarCount / Self.blockSize
        beyond = classify(0x10FFFF)
        blockIndex = .allocate(capacity: blockCount)
        var storage: [UInt8] = []
        var known: [[UInt8]: UInt16] = [:]
        for block in 0..<blockCount {
            let first = UInt32(block * Self.blockSize)
            let content = (first..<first + UInt32(Self.blockSize)).map(classify)
            let index = known[content] ?? UInt16(known.count)
            if known[content] == nil {
                known[content] = index
                storage.append(contentsOf: content)
            }
            blockIndex[block] = index
        }
        classes = .allocate(capacity: storage.count)
        classes.initialize(from: storage, count: storage.count)
    }

    deinit {
        blockIndex.deallocate()
        classes.deallocate()
    }

    @inline(__always)
    subscript(scalar: UInt32) -> UInt8 {
        guard scalar < UInt32(Self.scalarCount) else { return beyond }
        return classes[Int(blockIndex[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
    }

    private static func classify(_ value: UInt32) -> UInt8 {
        guard let scalar = Unicode.Scalar(value) else { return CharacterClass.other }
        if scalar.properties.isWhitespace { return CharacterClass.space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return CharacterClass.letter
        case .decimalNumber, .letterNumber, .otherNumber: return CharacterClass.number
        default: return CharacterClass.other
        }
    }

    /// Hugging Face's tables are of Unicode 8: what came later is no punctuation, and two that it took back are.
    private static func isPunctuation(_ value: UInt32) -> Bool {
        if value == 0x166D || value == 0x111C9 { return true }
        guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 8 else { return false }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        case .mathSymbol, .currencySymbol, .modifierSymbol: return scalar.isASCII
        default: return false
        }
    }
}
