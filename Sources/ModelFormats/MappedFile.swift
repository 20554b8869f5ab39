import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A whole file as read-only memory; the pages are read when they are first touched.
///
/// Slices stay valid as long as this object lives. A file that another process
/// shortens while it is mapped ends this process with `SIGBUS`, as with any
/// mapping: replace model files by renaming, not by rewriting.
public final class MappedFile: Sendable {
    public let path: String
    private let storage: Storage

    /// Memory never written after `init`, hence safe to share.
    private struct Storage: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
        let isMapping: Bool
    }

    /// Maps the file at `path`.
    ///
    /// - Throws: `MappedFileError` if it is missing, not a regular file, empty or not readable.
    /// - Complexity: O(1); nothing is read.
    public init(path: String) throws {
        self.path = path
        // Non-blocking, since opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw MappedFileError(path: path, openErrorNumber: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw MappedFileError(path: path, openErrorNumber: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw MappedFileError(path: path, reason: .isDirectory)
        default: throw MappedFileError(path: path, reason: .notRegularFile)
        }
        guard status.st_size > 0 else { throw MappedFileError(path: path, reason: .empty) }
        let byteCount = Int(status.st_size)
        let address = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw MappedFileError(path: path, reason: .notMappable(errorNumber: errno))
        }
        storage = Storage(bytes: UnsafeRawBufferPointer(start: address, count: byteCount), isMapping: true)
    }

    /// A copy of `bytes` that behaves like a mapped file of that content; `name` stands for the path in messages.
    public init(copying bytes: some Collection<UInt8>, name: String) {
        path = name
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        copy.copyBytes(from: bytes)
        storage = Storage(bytes: UnsafeRawBufferPointer(copy), isMapping: false)
    }

    deinit {
        if storage.isMapping {
            munmap(UnsafeMutableRawPointer(mutating: storage.bytes.baseAddress), storage.bytes.count)
        } else {
            storage.bytes.deallocate()
        }
    }

    public var byteCount: Int { storage.bytes.count }

    /// The content; valid only while this object lives.
    public var bytes: UnsafeRawBufferPointer { storage.bytes }
}
