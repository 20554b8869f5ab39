import CHDF5

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An HDF5 file; closed by `close()` or, at the latest, with the last reference to it and to what is in it.
///
/// The version bounds are the library's default: with `flush()` after each
/// append they survive `SIGKILL` with all flushed rows readable, which the
/// newer formats do not.
public final class File: Sendable {
    public let path: String
    let handle: Handle

    private init(path: String, handle: Handle) {
        self.path = path
        self.handle = handle
    }

    /// Makes a new file for writing.
    ///
    /// - Throws: `HDF5Error`: `fileExists` unless `overwrite`, `notPermitted`,
    ///   `noSuchFile` if the folder is missing, `inUse`, `diskFull`.
    public static func create(at path: String, overwrite: Bool = false) throws -> File {
        try locked {
            let place = Place(file: path, object: nil)
            let creation = try Handle(
                H5Pcreate(kvatlas_h5_file_creation()),
                closing: H5Pclose,
                "create the file",
                at: place
            )
            // Splitting a node of a chunk index is the one step that a kill
            // could leave half done: nodes of 128 chunks make it rare.
            try check(H5Pset_istore_k(creation.id, 64), "create the file", at: place)
            let access = try fileAccess("create the file", at: place)
            try check(kvatlas_h5_keep_metadata_until_flush(access.id), "create the file", at: place)
            let mode = overwrite ? kvatlas_h5_truncate() : kvatlas_h5_exclusive()
            let id = H5Fcreate(path, mode, creation.id, access.id)
            return File(path: path, handle: try Handle(id, closing: H5Fclose, "create the file", at: place))
        }
    }

    /// Opens an existing file for reading only.
    ///
    /// A file that looks locked is tried again for a fifth of a second: a process that is just being started holds
    /// copies of its parent's open files, locks included, for a moment longer than the parent.
    ///
    /// - Throws: `HDF5Error`: `noSuchFile`, `notHDF5`, `truncated`, `inUse` if
    ///   a program writes it now.
    public static func open(at path: String) throws -> File {
        for _ in 0..<10 {
            do { return try openNow(at: path) } catch let error as HDF5Error where error.code == .inUse {
                usleep(20_000)
            }
        }
        return try openNow(at: path)
    }

    private static func openNow(at path: String) throws -> File {
        try locked {
            let place = Place(file: path, object: nil)
            let access = try fileAccess("open the file", at: place)
            let id = H5Fopen(path, kvatlas_h5_read_only(), access.id)
            return File(path: path, handle: try Handle(id, closing: H5Fclose, "open the file", at: place))
        }
    }

    /// Closing the file closes every object opened through it.
    private static func fileAccess(_ action: String, at place: Place) throws -> Handle {
        let access = try Handle(H5Pcreate(kvatlas_h5_file_access()), closing: H5Pclose, action, at: place)
        try check(H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG), action, at: place)
        return access
    }

    /// The group `/`.
    public var root: Group {
        get throws {
            try locked {
                let place = Place(file: path, object: "/")
                let id = H5Gopen2(handle.id, "/", kvatlas_h5_none())
                return Group(try Handle(id, closing: H5Gclose, within: handle, "open", at: place), at: place)
            }
        }
    }

    /// Hands everything written so far to the operating system, where a killed process cannot lose it.
    public func flush() throws {
        try locked {
            let place = Place(file: path, object: nil)
            try check(H5Fflush(handle.id, H5F_SCOPE_LOCAL), "flush the file", at: place)
        }
    }

    /// Flushes and closes; an object opened through this file cannot be used afterwards.
    public func close() throws {
        try handle.close("close the file", at: Place(file: path, object: nil))
    }
}
