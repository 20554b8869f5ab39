import CZlib
import Foundation

/// Reads a deflated member of a zip from its beginning on, a buffer at a time.
final class InflatingReader {
    private let archive: ZIPArchive
    private let member: ZIPArchive.Member
    private var stream = z_stream()
    private var input: UnsafeMutableRawBufferPointer
    private var consumed = 0
    private var isAtEnd = false
    /// Bytes of the content handed out so far.
    private(set) var produced = 0

    private static let inputByteCount = 1 << 16

    init(_ member: ZIPArchive.Member, of archive: ZIPArchive) throws {
        self.archive = archive
        self.member = member
        input = .allocate(byteCount: Self.inputByteCount, alignment: 16)
        guard kvatlas_inflate_begin(&stream) == Z_OK else {
            input.deallocate()
            throw ImportError(location, "zlib cannot start: there is no memory")
        }
    }

    deinit {
        inflateEnd(&stream)
        input.deallocate()
    }

    private var location: String { "\(archive.file.name), member '\(shownName(member.name))'" }

    /// Fills `target` as far as the content reaches.
    ///
    /// - Returns: bytes written; 0 at the end.
    /// - Throws: `ImportError` for damaged data, or content longer or shorter than the directory says.
    func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = target.baseAddress, !isAtEnd else { return 0 }
        stream.next_out = base.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(min(target.count, 1 << 30))
        let wanted = Int(stream.avail_out)
        while stream.avail_out > 0, !isAtEnd {
            if stream.avail_in == 0, consumed < member.storedByteCount, let source = input.baseAddress {
                let count = min(Self.inputByteCount, member.storedByteCount - consumed)
                try archive.file.read(
                    at: member.dataOffset + consumed,
                    count: count,
                    into: source,
                    what: "the member '\(shownName(member.name))'"
                )
                stream.next_in = source.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(count)
                consumed += count
            }
            let place = member.dataOffset + consumed - Int(stream.avail_in)
            switch inflate(&stream, Z_NO_FLUSH) {
            case Z_STREAM_END: isAtEnd = true
            case Z_OK: break
            case Z_BUF_ERROR where stream.avail_in == 0 && consumed < member.storedByteCount: break
            default:
                let reason = stream.msg.map { String(cString: $0) } ?? "the data end too early"
                throw ImportError.damaged("\(location), byte \(place) of the file", "cannot be inflated: \(reason)")
            }
        }
        let count = wanted - Int(stream.avail_out)
        produced += count
        guard produced <= member.byteCount, !isAtEnd || produced == member.byteCount else {
            throw ImportError.damaged(
                location,
                "inflates to \(produced) bytes\(isAtEnd ? "" : " or more")",
                expected: "\(member.byteCount), as the directory says"
            )
        }
        return count
    }
}

extension ZIPArchive {
    /// Up to `count` bytes from the beginning of a member's content.
    func prefix(of member: Member, count: Int) throws -> [UInt8] {
        let count = min(count, member.byteCount)
        guard member.isDeflated else {
            return try file.bytes(at: member.dataOffset, count: count, what: "the member '\(shownName(member.name))'")
        }
        let reader = try InflatingReader(member, of: self)
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try bytes.withUnsafeMutableBytes { try reader.read(into: $0) }
        return Array(bytes.prefix(got))
    }

    /// A member's content as a file that can be read at any place, its CRC-32 checked.
    ///
    /// A stored member stays where it is. A deflated one is inflated to a file without a name in `folder`, which
    /// the system frees when the last reader is gone, whatever ends this process: heads that lie one after the
    /// other are read side by side, which a stream does not allow.
    ///
    /// - Returns: the file and where the content begins in it.
    /// - Throws: `ImportError` for a checksum that does not match, damaged data or a full disk.
    func open(_ member: Member, scratchFolder folder: String) throws -> (file: RandomAccessFile, offset: Int) {
        let location = "\(file.name), member '\(shownName(member.name))'"
        var checksum = crc32(0, nil, 0)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { piece.deallocate() }
        let scratch = member.isDeflated ? try Self.namelessFile(in: folder) : nil
        var keepsScratch = false
        defer { if let scratch, !keepsScratch { close(scratch) } }
        let reader = member.isDeflated ? try InflatingReader(member, of: self) : nil
        var done = 0
        while true {
            let count: Int
            if let reader {
                count = try reader.read(into: piece)
            } else {
                count = min(piece.count, member.byteCount - done)
                if count > 0, let base = piece.baseAddress {
                    try file.read(at: member.dataOffset + done, count: count, into: base, what: location)
                }
            }
            guard count > 0, let base = piece.baseAddress else { break }
            checksum = crc32(checksum, base.assumingMemoryBound(to: UInt8.self), UInt32(count))
            if let scratch { try Self.write(piece, count, to: scratch, folder: folder, location) }
            done += count
        }
        guard done == member.byteCount else {
            throw ImportError.damaged(location, "has \(done) bytes", expected: "\(member.byteCount)")
        }
        guard UInt32(truncatingIfNeeded: checksum) == member.checksum else {
            throw ImportError.damaged(location, "its CRC-32 does not match the directory's: bytes have changed")
        }
        guard let scratch else { return (file, member.dataOffset) }
        keepsScratch = true
        return (RandomAccessFile(descriptor: scratch, byteCount: done, name: location), 0)
    }

    private static func namelessFile(in folder: String) throws -> Int32 {
        var template = Array((folder + "/.kvatlas-inflated-XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw ImportError(folder, "no file can be made to inflate to: \(reason)", remedy: "choose another --out")
        }
        unlink(template)
        return descriptor
    }

    private static func write(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ count: Int,
        to descriptor: Int32,
        folder: String,
        _ location: String
    ) throws {
        var sent = 0
        while sent < count, let base = bytes.baseAddress {
            let written = Foundation.write(descriptor, base + sent, count - sent)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                let reason = String(cString: strerror(errno))
                throw ImportError(
                    location,
                    "cannot be inflated to the folder \(folder): \(reason)",
                    remedy: "free space there, choose an --out on another disk, or save with numpy.savez"
                )
            }
            sent += written
        }
    }
}
