import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that cannot be read, before its content is looked at.
public struct MappedFileError: ActionableError, Equatable {
    public enum Reason: Sendable, Equatable {
        case missing
        case noPermission
        case isDirectory
        /// A pipe, socket or device.
        case notRegularFile
        case empty
        case notOpenable(errorNumber: Int32)
        case notMappable(errorNumber: Int32)
    }

    public let path: String
    public let reason: Reason

    init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    init(path: String, openErrorNumber number: Int32) {
        self.path = path
        switch number {
        case ENOENT, ENOTDIR: reason = .missing
        case EACCES, EPERM: reason = .noPermission
        default: reason = .notOpenable(errorNumber: number)
        }
    }

    public var location: String? { path.isEmpty ? "(empty path)" : path }

    public var problem: String {
        switch reason {
        case .missing: "no such file"
        case .noPermission: "no permission to read this file"
        case .isDirectory: "this is a folder"
        case .notRegularFile: "this is a pipe, socket or device"
        case .empty: "the file is empty (0 bytes)"
        case .notOpenable(let number): "cannot open: \(systemMessage(number))"
        case .notMappable(let number): "cannot map into memory: \(systemMessage(number))"
        }
    }

    public var expected: String? {
        switch reason {
        case .isDirectory, .notRegularFile: "a regular file"
        default: nil
        }
    }

    public var remedy: String? {
        switch reason {
        case .missing: "check the spelling; relative paths start at the current folder"
        case .noPermission: "change its permissions (chmod u+r) or run as its owner"
        case .isDirectory: "name a file inside it"
        case .notRegularFile: "save its content to a file first"
        case .empty: "a download or copy has failed: get the file again"
        case .notOpenable, .notMappable: nil
        }
    }
}

/// The operating system's words for an `errno` value.
func systemMessage(_ errorNumber: Int32) -> String {
    guard let text = strerror(errorNumber) else { return "error \(errorNumber)" }
    return String(cString: text)
}
