import Foundation

/// Whole text files, written so that nobody sees half of one.
enum TextFile {
    /// - Throws: ``ReportingError/unreadable(file:reason:)``.
    static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "rb") else {
            throw ReportingError.unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        guard ferror(file) == 0 else {
            throw ReportingError.unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ReportingError.unreadable(file: path, reason: "it is not UTF-8 text")
        }
        return text
    }

    /// Writes beside the target and renames; makes the folders above it.
    ///
    /// - Throws: ``ReportingError/unwritable(file:reason:)``; the target is then as it was.
    static func write(_ text: String, to path: String) throws {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent()
        // A folder that cannot be made shows when the file in it is opened, with the system's reason.
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let temporary = folder.appendingPathComponent(
            ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).partial"
        ).path
        func failure() -> ReportingError {
            .unwritable(file: path, reason: String(cString: strerror(errno)))
        }
        guard let file = fopen(temporary, "wb") else { throw failure() }
        var text = text
        let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
        let writeError = errno
        // A full disk may show only when the last buffer is flushed.
        guard fclose(file) == 0, isWritten else {
            if !isWritten { errno = writeError }
            let error = failure()
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = failure()
            unlink(temporary)
            throw error
        }
    }
}
