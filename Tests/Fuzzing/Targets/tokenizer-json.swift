@testable import Tokenizers

/// Reads the bytes as `tokenizer.json` and encodes a text with what it describes.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    do {
        let tokenizer = try HuggingFaceTokenizer.load(Array(UnsafeBufferPointer(start: start, count: count)))
        let ids = tokenizer.encode(Array("the  é 日本\n\u{0} <s>".utf8) + [0xFF, 0xC3], parseSpecial: true)
        _ = tokenizer.decode(ids, skipControl: false)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}
