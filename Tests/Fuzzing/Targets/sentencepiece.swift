@testable import Tokenizers

/// Reads the bytes as SentencePiece's `tokenizer.model` and encodes a text with it.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    do {
        let file = try SentencePieceModelFile(Array(UnsafeBufferPointer(start: start, count: count)))
        let tokenizer = try file.tokenizer()
        let ids = tokenizer.encode(Array("the  é 日本\n\u{0} <s>".utf8) + [0xFF, 0xC3], parseSpecial: true)
        _ = tokenizer.decode(ids, skipControl: false)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}
