import Foundation
import TensorCore

/// A file or folder that cannot be used as asked.
public enum FileError: ActionableError, Equatable {
    case missing(path: String, nearest: String?)
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)
    case empty(path: String)
    case notUTF8(path: String, byteOffset: Int)
    case exists(path: String, flag: String)

    public var location: String? {
        switch self {
        case .missing(let path, _), .unreadable(let path, _), .unwritable(let path, _), .empty(let path),
            .notUTF8(let path, _), .exists(let path, _):
            path
        }
    }

    public var problem: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable(_, let reason): "cannot be read: \(reason)"
        case .unwritable(_, let reason): "cannot be written: \(reason)"
        case .empty: "the file is empty"
        case .notUTF8(_, let offset): "the text is not UTF-8: byte \(offset) does not begin a character"
        case .exists: "exists already"
        }
    }

    public var expected: String? {
        switch self {
        case .empty: "a text of at least one character"
        case .notUTF8: "UTF-8"
        default: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .missing(_, let nearest): nearest.map { "Did you mean '\($0)'?" }
        case .unreadable, .empty: nil
        case .unwritable: "Choose another place, or make room or permission there."
        case .notUTF8: "Convert it first, e.g. iconv -f LATIN1 -t UTF-8."
        case .exists(_, let flag): "Choose another name, or pass \(flag) to replace it."
        }
    }

    /// Runs `body` and says of what it throws that `path` is missing or unreadable.
    static func reading<Result>(
        _ path: String,
        orFolder allowsFolder: Bool = false,
        _ body: () throws -> Result
    ) throws -> Result {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FileError.missing(path: path, nearest: nearestFile(to: path))
        }
        if isFolder.boolValue && !allowsFolder { throw FileError.unreadable(path: path, reason: "it is a folder") }
        do { return try body() } catch {
            throw FileError.unreadable(path: path, reason: error.localizedDescription)
        }
    }

    /// The file of the same folder whose name is closest, as a path like the one given.
    static func nearestFile(to path: String) -> String? {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent()
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path),
            let nearest = nearestName(to: url.lastPathComponent, in: names.sorted())
        else { return nil }
        let slash = path.lastIndex(of: "/")
        return (slash.map { String(path[...$0]) } ?? "") + nearest
    }
}
