import Foundation

/// A file that is read piece by piece at any place.
///
/// Read, not mapped: pages of a mapping would count as memory of this process,
/// and a file that shrinks meanwhile would end it. Safe to use from several threads.
final class RandomAccessFile: Sendable {
    /// For messages; what was inflated to a nameless file keeps the name of its archive's member.
    let name: String
    let byteCount: Int
    private let descriptor: Int32

    /// - Throws: `ImportError` if it is missing, not a regular file, empty or not readable.
    init(path: String) throws {
        // Non-blocking, since opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw ImportError(path, "cannot be opened: \(reason)", remedy: "check the spelling and its permissions")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ImportError(path, "is no regular file", expected: "an .npz, .npy, .safetensors or .h5 file")
        }
        guard status.st_size > 0 else {
            close(descriptor)
            throw ImportError.damaged(path, "the file is empty (0 bytes)")
        }
        name = path
        byteCount = Int(status.st_size)
        self.descriptor = descriptor
    }

    /// Takes over a descriptor.
    init(descriptor: Int32, byteCount: Int, name: String) {
        self.name = name
        self.byteCount = byteCount
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Copies `count` bytes from `offset` on into `target`.
    ///
    /// - Throws: `ImportError` if the file ends before, or the system cannot read it.
    /// - Precondition: `target` has place for them; neither number is negative.
    func read(at offset: Int, count: Int, into target: UnsafeMutableRawPointer, what: String) throws {
        precondition(offset >= 0 && count >= 0, "read \(count) bytes at \(offset)")
        guard count <= byteCount, offset <= byteCount - count else {
            throw ImportError.damaged(
                "\(name), byte \(offset)",
                "the file ends at byte \(byteCount), inside \(what), which needs \(count) bytes"
            )
        }
        var done = 0
        while done < count {
            let got = pread(descriptor, target + done, count - done, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                let reason = got < 0 ? String(cString: strerror(errno)) : "it was shortened meanwhile"
                throw ImportError("\(name), byte \(offset + done)", "\(what) cannot be read: \(reason)")
            }
            done += got
        }
    }

    /// As `read`, for small pieces.
    func bytes(at offset: Int, count: Int, what: String) throws -> [UInt8] {
        guard count <= byteCount, offset <= byteCount - count else {
            throw ImportError.damaged(
                "\(name), byte \(offset)",
                "the file ends at byte \(byteCount), inside \(what), which needs \(count) bytes"
            )
        }
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes {
            guard let target = $0.baseAddress else { return }
            try read(at: offset, count: count, into: target, what: what)
        }
        return bytes
    }
}

/// Little-endian integers of a file's structures.
struct ByteFields {
    let bytes: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) { self.bytes = ArraySlice(Array(bytes)) }

    /// - Precondition: the field lies within the bytes.
    func integer(at offset: Int, bytes count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[bytes.startIndex + offset + index]) }
        return value
    }

    func int(at offset: Int, bytes count: Int) -> Int { Int(truncatingIfNeeded: integer(at: offset, bytes: count)) }
}
