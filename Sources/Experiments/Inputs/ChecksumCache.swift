import Foundation

/// Remembers the SHA-256 of large files by path, size and time of change, so that a run that
/// goes on does not read the whole model first.
package struct ChecksumCache {
    private struct Entry: Codable {
        let byteCount: Int
        /// Seconds since 2001, as exactly as the file system has them.
        let modified: Double
        let sha256: String
    }

    private let file: URL?

    /// - Parameter file: where entries are kept; `nil` keeps none.
    package init(file: URL?) { self.file = file }

    /// - Throws: `FileError` if the file cannot be read; what `progress` throws.
    package func sha256(ofFile path: String, progress: (Double) throws -> Void = { _ in }) throws -> String {
        // Through links, whose own size and time say nothing of the content.
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
        guard let file, let size = attributes?[.size] as? Int, let date = attributes?[.modificationDate] as? Date else {
            return try SHA256.hash(ofFile: path, progress: progress)
        }
        let modified = date.timeIntervalSinceReferenceDate
        var entries = Self.read(file)
        if let known = entries[resolved], known.byteCount == size, known.modified == modified { return known.sha256 }
        let sha256 = try SHA256.hash(ofFile: path, progress: progress)
        entries[resolved] = Entry(byteCount: size, modified: modified, sha256: sha256)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(entries), to: file.path)
        return sha256
    }

    /// A damaged cache is an empty one.
    private static func read(_ file: URL) -> [String: Entry] {
        guard let data = try? Data(contentsOf: file) else { return [:] }
        return (try? JSONDecoder().decode([String: Entry].self, from: data)) ?? [:]
    }
}
