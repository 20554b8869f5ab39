/// Text to token ids and back.
public protocol Tokenizer: Sendable {
    /// Ids are `0 ..< vocabularySize`.
    var vocabularySize: Int { get }
    /// The token that the model wants in front of a text; `nil` if it wants none. `encode` does not add it.
    var beginToken: Int32? { get }
    /// The token that the model wants behind a whole text; `nil` if it wants none. `encode` does not add it.
    var finalToken: Int32? { get }
    /// Tokens at which generation stops.
    var endOfTextTokens: Set<Int32> { get }

    /// Token ids of `bytes`, which should be UTF-8; what is not is encoded byte for byte.
    ///
    /// - Parameter parseSpecial: whether the text of a control token (`<|im_start|>`) becomes that token.
    ///   Say `false` for text that is data, so that it cannot give orders.
    func encode(_ bytes: [UInt8], parseSpecial: Bool) -> [Int32]

    /// The bytes of `ids`, in which one token may hold a part of a character only.
    ///
    /// - Parameter skipControl: leaves out control tokens.
    /// - Precondition: all ids are in `0 ..< vocabularySize`.
    func decode(_ ids: [Int32], skipControl: Bool) -> [UInt8]

    /// The bytes of one token; the text of a control token.
    ///
    /// - Precondition: `0 ..< vocabularySize`.
    func tokenBytes(_ id: Int32) -> [UInt8]

    /// Whether the token steers the model and is no part of a text.
    func isControl(_ id: Int32) -> Bool
}

extension Tokenizer {
    /// `encode` without special tokens.
    public func encode(_ bytes: [UInt8]) -> [Int32] { encode(bytes, parseSpecial: false) }

    public func encode(_ text: String, parseSpecial: Bool = false) -> [Int32] {
        encode(Array(text.utf8), parseSpecial: parseSpecial)
    }

    public func decode(_ ids: [Int32], skipControl: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where !(skipControl && isControl(id)) { bytes.append(contentsOf: tokenBytes(id)) }
        return bytes
    }

    public func decode(_ ids: [Int32]) -> [UInt8] { decode(ids, skipControl: false) }

    /// `decode` as text; bytes that are not UTF-8 show as U+FFFD.
    public func decodeText(_ ids: [Int32], skipControl: Bool = false) -> String {
        String(decoding: decode(ids, skipControl: skipControl), as: UTF8.self)
    }
}
