import Foundation

/// A UTF-8 text, whole in memory.
public struct TextFile: Sendable, Equatable {
    public let path: String
    /// For captions and sequences; the file's name without its extension unless told.
    public let name: String
    public let bytes: [UInt8]
    public let sha256: String

    /// - Throws: `FileError` for a file that is missing, a folder, empty or not UTF-8.
    public static func load(_ path: String, name: String? = nil) throws -> TextFile {
        let bytes = try FileError.reading(path) { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }
        guard !bytes.isEmpty else { throw FileError.empty(path: path) }
        if let offset = firstInvalidByte(bytes) { throw FileError.notUTF8(path: path, byteOffset: offset) }
        let ownName = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        return TextFile(path: path, name: name ?? ownName, bytes: bytes, sha256: SHA256.hash(bytes))
    }

    /// Where the longest valid UTF-8 prefix ends, or `nil` if everything is valid.
    private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }
}
