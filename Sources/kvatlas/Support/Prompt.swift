import Experiments
import Foundation

/// A text to continue, and where it was found.
struct Prompt {
    let text: String
    /// For messages: an option, a file, or a file and a line.
    let place: String

    /// A file whose whole text is the prompt.
    static func whole(_ path: String) throws -> Prompt {
        Prompt(text: String(decoding: try bytes(of: path), as: UTF8.self), place: path)
    }

    /// A file with a prompt a line. Lines end in LF or CRLF; the last one need not end.
    ///
    /// - Throws: `FileError`; `PromptError` for an empty line, or no line at all.
    static func lines(_ path: String) throws -> [Prompt] {
        // As bytes: "\r\n" is one `Character`, so a text of characters has no "\n" to split at.
        var lines = try bytes(of: path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What follows the last line's end is no line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty else { throw PromptError.none(path: path) }
        return try lines.enumerated().map { index, line in
            let place = "\(path):\(index + 1)"
            let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            guard !text.allSatisfy({ $0.isWhitespace }) else { throw PromptError.emptyLine(place: place) }
            return Prompt(text: text, place: place)
        }
    }

    /// Without the byte order mark, which editors of Windows put before a text and which is no part of it.
    private static func bytes(of path: String) throws -> ArraySlice<UInt8> {
        let bytes = try TextFile.load(path).bytes, mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    }
}
