import CHDF5

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An open file's bytes, for readers that pass by the library: as read-only memory, and to be copied from.
///
/// Memory is for the few bytes that say where all others lie. Much is better copied into memory that is used again
/// (`read`): every page that is looked at in a mapping costs a fault, and giving it back an interruption of all
/// threads. As with any mapping, a file that another process shortens while an index is looked at ends this process.
public final class FileMapping: Sendable {
    public let path: String
    /// Memory that nobody writes.
    nonisolated(unsafe) public let bytes: UnsafeRawBufferPointer
    /// What keeps the file, and so its descriptor, from being closed; the mapping itself outlives it.
    private let handle: Handle
    private let descriptor: Int32

    /// - Returns: `nil` where the file is no plain one, or too large for the address space.
    init?(path: String, handle: Handle) {
        self.path = path
        self.handle = handle
        let mapped = locked { () -> (descriptor: Int32, bytes: UnsafeRawBufferPointer)? in
            // The descriptor belongs to the driver of plain files alone; others hand out something else.
            guard
                let access = try? Handle(
                    H5Fget_access_plist(handle.id),
                    closing: H5Pclose,
                    "map",
                    at: Place(file: path, object: nil)
                ),
                H5Pget_driver(access.id) == kvatlas_h5_plain_driver()
            else { return nil }
            var pointer: UnsafeMutableRawPointer?
            guard H5Fget_vfd_handle(handle.id, kvatlas_h5_none(), &pointer) >= 0, let pointer else { return nil }
            let descriptor = pointer.load(as: Int32.self)
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return nil }
            let address = mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0)
            guard let address, address != MAP_FAILED else { return nil }
            return (descriptor, UnsafeRawBufferPointer(start: address, count: Int(status.st_size)))
        }
        guard let mapped else { return nil }
        (descriptor, bytes) = mapped
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    /// Copies bytes of the file, on any number of threads at once.
    ///
    /// - Throws: `HDF5Error`: `truncated` where the file ends before them, `other`.
    /// - Precondition: `target` has place for them.
    public func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws {
        var place = range.lowerBound
        while place < range.upperBound {
            let count = pread(descriptor, target + (place - range.lowerBound), range.upperBound - place, off_t(place))
            if count > 0 {
                place += count
            } else if count == 0 || errno != EINTR {
                throw HDF5Error(
                    code: count == 0 ? .truncated : .other,
                    action: "read",
                    path: path,
                    object: nil,
                    reason: count == 0 ? "the file ends at byte \(place)" : String(cString: strerror(errno))
                )
            }
        }
    }
}

extension File {
    /// The file's bytes, or `nil` where that is not to be had.
    ///
    /// What this process has written is in it after `flush()`.
    public func mapping() -> FileMapping? { FileMapping(path: path, handle: handle) }
}
