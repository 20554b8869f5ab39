import Foundation
import ModelFormats

/// One checksum for all files that a model is read from.
public struct ModelChecksum: Sendable, Equatable {
    /// Of one file its own SHA-256. Of several, as a folder or a split model has them, the SHA-256 of a text with a
    /// line for each, `SHA256  NAME`, in the order in which they are read: what `sha256sum` prints of them, hashed.
    public let sha256: String
    /// Of all files.
    public let byteCount: Int

    /// - Parameter progress: receives the share of the bytes that is hashed; what it throws stops.
    /// - Throws: what ``ModelSource`` throws, `FileError`, what `progress` throws.
    /// - Complexity: O(bytes), less for files that a cache knows.
    public init(path: String, progress: (Double) throws -> Void = { _ in }) throws {
        try self.init(path: path, checksums: ChecksumCache(file: nil), progress: progress)
    }

    init(path: String, checksums: ChecksumCache, progress: (Double) throws -> Void) throws {
        let files = try ModelSource(path: path).filePaths
        let sizes = try files.map { file in
            let resolved = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
            return try FileManager.default.attributesOfItem(atPath: resolved)[.size] as? Int ?? 0
        }
        byteCount = sizes.reduce(0, +)
        let all = Double(max(byteCount, 1))
        var done = 0.0, hashes: [String] = []
        for (file, size) in zip(files, sizes) {
            let hash = try checksums.sha256(ofFile: file) { try progress((done + $0 * Double(size)) / all) }
            hashes.append(hash)
            done += Double(size)
        }
        if hashes.count == 1 {
            sha256 = hashes[0]
        } else {
            let lines = zip(hashes, files).map { "\($0)  \(URL(fileURLWithPath: $1).lastPathComponent)\n" }
            sha256 = SHA256.hash(lines.joined())
        }
    }
}
