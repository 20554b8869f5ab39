import Tokenizers

/// A vocabulary of all 256 bytes, whose id is the byte, then tokens made by merges, then special ones.
struct SyntheticVocabulary {
    var tokens: [String] = Self.alphabet
    var merges: [String] = []
    var types = [Int](repeating: 1, count: 256)

    /// GPT-2's characters of the bytes 0–255, written out by the map's definition.
    static let alphabet: [String] = {
        var spare: UInt32 = 256
        return (UInt32(0)..<256).map { byte in
            let stands = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            if !stands { spare += 1 }
            return String(Unicode.Scalar(stands ? byte : spare - 1).map(Character.init) ?? "?")
        }
    }()

    /// Adds a merge, and its result as a token unless it is there.
    mutating func merge(_ left: String, _ right: String, addToken: Bool = true) {
        merges.append("\(left) \(right)")
        guard addToken, !tokens.contains(left + right) else { return }
        tokens.append(left + right)
        types.append(1)
    }

    mutating func add(_ text: String, type: Int) -> Int32 {
        tokens.append(text)
        types.append(type)
        return Int32(tokens.count - 1)
    }

    func id(_ text: String) -> Int32 { tokens.firstIndex(of: text).map { Int32($0) } ?? -1 }

    func tokenizer(_ preTokenizer: PreTokenizer = .gpt2) throws -> ByteLevelBPE {
        try ByteLevelBPE(tokens: tokens, merges: merges, tokenTypes: types, preTokenizer: preTokenizer)
    }
}
