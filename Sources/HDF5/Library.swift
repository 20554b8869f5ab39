import CHDF5
import Foundation

/// The HDF5 library of this process.
public enum Library {
    /// Version of the library in use, e.g. `1.10.8`.
    public static var version: String {
        locked {
            var major: UInt32 = 0
            var minor: UInt32 = 0
            var release: UInt32 = 0
            guard H5get_libversion(&major, &minor, &release) >= 0 else { return "unknown" }
            return "\(major).\(minor).\(release)"
        }
    }

    /// Recursive, since an operation on a group opens datasets in it.
    private static let lock = NSRecursiveLock()

    /// HDF5 retries at exit what it could not write before, which on a full
    /// disk fails again; every file here is closed by its owner instead.
    private static let isPrepared: Bool = {
        H5dont_atexit()
        return H5open() >= 0
    }()

    /// Runs `body` alone in the library, with the printing of errors off.
    ///
    /// Debian's library is thread-safe, others are not. The printing is
    /// switched off at each call because the setting belongs to one thread.
    static func exclusively<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        _ = isPrepared
        kvatlas_h5_silence()
        return try body()
    }
}

/// Runs `body` alone in the library; every call of HDF5 is made inside.
func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Library.exclusively(body)
}

/// A file and an object in it, for messages.
struct Place: Sendable {
    let file: String
    /// Absolute path inside the file; `nil` for the file as a whole.
    let object: String?

    func child(_ name: String) -> Place {
        guard let object, object != "/" else { return Place(file: file, object: "/" + name) }
        return Place(file: file, object: object + "/" + name)
    }
}

/// Passes on what HDF5 returned, or throws what its error stack says.
///
/// - Parameter action: what was tried, to complete "cannot …".
@discardableResult
func check<Integer: SignedInteger>(_ result: Integer, _ action: String, at place: Place) throws -> Integer {
    guard result < 0 else { return result }
    throw HDF5Error(action: action, place: place, stack: kvatlas_h5_read_error())
}
