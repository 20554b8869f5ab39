import CHDF5
import Foundation

/// What HDF5 could not do, with the file, the object and the library's own words.
///
/// `catch let error as HDF5Error where error.code == .diskFull` and the like
/// tell the cases apart that a program can handle.
public struct HDF5Error: Error, CustomStringConvertible, Sendable, Equatable {
    /// An open set: later versions may tell more cases apart.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        /// No space is left on the device, or the quota is used up.
        public static let diskFull = Code(rawValue: "disk-full")
        /// The file or its folder may not be read or written by this user.
        public static let notPermitted = Code(rawValue: "not-permitted")
        /// No such file, or its folder does not exist.
        public static let noSuchFile = Code(rawValue: "no-such-file")
        public static let isFolder = Code(rawValue: "is-folder")
        public static let fileExists = Code(rawValue: "file-exists")
        /// Another process has the file open for writing.
        public static let inUse = Code(rawValue: "in-use")
        public static let notHDF5 = Code(rawValue: "not-hdf5")
        /// The file is shorter than its header says.
        public static let truncated = Code(rawValue: "truncated")
        /// A checksum does not match, or a structure of the file is broken.
        public static let damaged = Code(rawValue: "damaged")
        /// No object or attribute of that name.
        public static let notFound = Code(rawValue: "not-found")
        /// The object holds another type or shape than was asked for.
        public static let wrongType = Code(rawValue: "wrong-type")
        /// A text with a NUL, which HDF5's strings cannot hold.
        public static let nulInText = Code(rawValue: "nul-in-text")
        public static let other = Code(rawValue: "other")
    }

    public let code: Code
    /// What was tried, to complete "cannot …".
    public let action: String
    public let path: String
    /// Absolute path inside the file; `nil` for the file as a whole.
    public let object: String?
    /// Why, in the system's words if the cause is the system's, else in HDF5's.
    public let reason: String

    public init(code: Code, action: String, path: String, object: String?, reason: String) {
        self.code = code
        self.action = action
        self.path = path
        self.object = object
        self.reason = reason
    }

    init(code: Code, action: String, place: Place, reason: String) {
        self.init(code: code, action: action, path: place.file, object: place.object, reason: reason)
    }

    /// `path: cannot …: why` and, on a second line, what to do.
    public var description: String {
        var text = "\(path): cannot \(action)"
        if let object { text += " \(object)" }
        text += ": \(reason)"
        if let remedy { text += "\n  \(remedy)" }
        return text
    }

    /// What a person can do about it, or `nil` if nothing general can be said.
    public var remedy: String? {
        switch code {
        case .diskFull: "free space on the disk that holds it, or write to another one"
        case .notPermitted: "write to a folder that you own, or change its permissions"
        case .noSuchFile: "check the spelling; its folder must exist already, on a disk that takes files"
        case .fileExists: "choose another name, or ask for it to be overwritten"
        case .inUse: "wait for the program that writes it, or stop it"
        case .truncated: "copy or download it again; it is shorter than its header says"
        case .damaged: "copy it again or make it anew; what was stored is not what is there now"
        default: nil
        }
    }
}

extension HDF5Error {
    /// Tells the cases apart by the system's error number, else by the library's words.
    init(action: String, place: Place, stack: kvatlas_h5_error_text) {
        let top = withUnsafeBytes(of: stack.top) { text(of: $0) }
        let bottom = withUnsafeBytes(of: stack.bottom) { text(of: $0) }
        let both = top + " " + bottom
        func says(_ words: String) -> Bool { both.contains(words) }

        let code: Code
        switch stack.errorNumber {
        case ENOSPC, EDQUOT: code = .diskFull
        case EACCES, EPERM, EROFS: code = .notPermitted
        case ENOENT, ENOTDIR: code = .noSuchFile
        case EISDIR: code = .isFolder
        case EEXIST: code = .fileExists
        case EAGAIN: code = .inUse
        default:
            if says("file signature not found") || says("not an HDF5 file") {
                code = .notHDF5
            } else if says("truncated file") {
                code = .truncated
            } else if says("Fletcher32") || says("checksum") || says("signature") || says("addr overflow") {
                code = .damaged
            } else if says("doesn't exist") || says("can't locate") || says("not found") {
                code = .notFound
            } else if says("unable to lock file") || says("file is already open") {
                code = .inUse
            } else {
                code = .other
            }
        }
        let reason: String
        if stack.errorNumber != 0 {
            reason = String(cString: strerror(stack.errorNumber))
        } else if code == .notHDF5 {
            reason = "it is not an HDF5 file"
        } else {
            let words = [bottom, top].filter { !$0.isEmpty }
            reason = words.isEmpty ? "HDF5 gives no reason" : top == bottom ? top : words.joined(separator: " (") + ")"
        }
        self.init(code: code, action: action, place: place, reason: reason)
    }
}

/// The text up to the first NUL.
private func text(of bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
