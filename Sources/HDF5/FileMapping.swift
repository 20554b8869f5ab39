import CHDF5

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An open file's bytes as read-only memory, for readers that pass by the library.
///
/// Pages are read when they are first touched and can be given back. As with any mapping, a file that another
/// process shortens meanwhile ends this process.
public final class FileMapping: Sendable {
    public let path: String
    /// Memory that nobody writes.
    nonisolated(unsafe) public let bytes: UnsafeRawBufferPointer
    /// What keeps the file from being closed; the mapping itself outlives it.
    private let handle: Handle

    /// - Returns: `nil` where the file is no plain one, or too large for the address space.
    init?(path: String, handle: Handle) {
        self.path = path
        self.handle = handle
        let mapped = locked { () -> UnsafeRawBufferPointer? in
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
            return UnsafeRawBufferPointer(start: address, count: Int(status.st_size))
        }
        guard let mapped else { return nil }
        bytes = mapped
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    /// Tells the system that some bytes are not needed again soon, so that they do not count as this process's memory.
    ///
    /// Pages that lie in the range only in part stay.
    public func release(_ range: Range<Int>) {
        guard let base = bytes.baseAddress else { return }
        let page = Int(getpagesize())
        let first = (range.lowerBound + page - 1) / page * page, end = min(range.upperBound, bytes.count) / page * page
        guard first < end else { return }
        // Advice: the pages come back from the file when they are touched, so no failure matters.
        _ = madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
    }
}

extension File {
    /// The file as memory, or `nil` where that is not to be had.
    ///
    /// What this process has written is in it after `flush()`.
    public func mapping() -> FileMapping? { FileMapping(path: path, handle: handle) }
}
