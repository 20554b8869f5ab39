import Foundation

/// Files that appear whole or not at all.
public enum AtomicFile {
    /// Writes beside `path`, then renames; what was there before stays until the rename.
    ///
    /// - Throws: `FileError.unwritable` with the system's reason.
    public static func write(_ text: String, to path: String) throws { try write(Data(text.utf8), to: path) }

    public static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw FileError.unwritable(path: path, reason: FileError.reason(of: error))
        }
    }
}

extension FileError {
    /// The system's own words for what went wrong, without the wrappers.
    static func reason(of error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        let innermost = underlying ?? error
        if let posix = innermost as? POSIXError { return String(cString: strerror(posix.code.rawValue)) }
        let plain = innermost as NSError
        if plain.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(plain.code))) }
        return innermost.localizedDescription
    }
}
