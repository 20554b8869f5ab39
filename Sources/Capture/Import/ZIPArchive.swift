import TensorCore

/// The members of a zip archive, as NumPy's `savez` and `savez_compressed` write them.
///
/// Members are stored or deflated, zip64 where sizes ask for it. Every size and
/// offset is checked against the file before it is used: members lie before the
/// directory and do not overlap. Source: PKWARE, "APPNOTE.TXT, .ZIP File Format
/// Specification" 6.3.10, §4.3.
struct ZIPArchive: Sendable {
    struct Member: Sendable, Equatable {
        let name: String
        let isDeflated: Bool
        let checksum: UInt32
        /// Bytes in the archive.
        let storedByteCount: Int
        /// Bytes of the content.
        let byteCount: Int
        /// Where the stored bytes begin.
        let dataOffset: Int
    }

    let file: RandomAccessFile
    /// In the order of their data.
    let members: [Member]

    /// The most that a directory may take: a million members.
    private static let directoryLimit = 64 << 20
    private static let endByteCount = 22
    private static let localByteCount = 30

    /// - Throws: `ImportError` with the byte where the archive contradicts itself.
    /// - Complexity: O(members); reads the directory and one header a member.
    init(_ file: RandomAccessFile) throws {
        self.file = file
        let directory = try Self.findDirectory(file)
        let bytes = try file.bytes(at: directory.offset, count: directory.byteCount, what: "the directory of the zip")
        var members: [Member] = []
        var names: Set<String> = []
        var position = 0
        for _ in 0..<directory.count {
            let (member, length) = try Self.member(bytes[position...], file: file, directory: directory.offset)
            guard names.insert(member.name).inserted else {
                throw ImportError.damaged(file.name, "the member '\(shownName(member.name))' occurs twice")
            }
            members.append(member)
            position += length
        }
        self.members = members.sorted { ($0.dataOffset, $0.name) < ($1.dataOffset, $1.name) }
        for (first, second) in zip(self.members, self.members.dropFirst())
        where first.dataOffset + first.storedByteCount > second.dataOffset - Self.localByteCount {
            throw ImportError.damaged(
                "\(file.name), byte \(second.dataOffset)",
                "the members '\(shownName(first.name))' and '\(shownName(second.name))' overlap"
            )
        }
    }

    private struct Directory {
        let offset: Int
        let byteCount: Int
        let count: Int
    }

    private static func findDirectory(_ file: RandomAccessFile) throws -> Directory {
        let tailCount = min(file.byteCount, endByteCount + 0xFFFF)
        let tailStart = file.byteCount - tailCount
        let tail = try file.bytes(at: tailStart, count: tailCount, what: "the end of the zip")
        let end = stride(from: tailCount - endByteCount, through: 0, by: -1).first { offset in
            tail[offset...].starts(with: [0x50, 0x4B, 5, 6])
                && offset + endByteCount + Int(tail[offset + 20]) + Int(tail[offset + 21]) << 8 == tailCount
        }
        guard tailCount >= endByteCount, let end else {
            throw ImportError.damaged(
                "\(file.name), byte \(file.byteCount)",
                "there is no end record of a zip archive",
                expected: "an archive that NumPy's savez finished"
            )
        }
        let fields = ByteFields(tail[end..<end + endByteCount])
        var count = fields.integer(at: 10, bytes: 2)
        var byteCount = fields.integer(at: 12, bytes: 4)
        var offset = fields.integer(at: 16, bytes: 4)
        var limit = tailStart + end
        if end >= 20, tail[(end - 20)...].starts(with: [0x50, 0x4B, 6, 7]) {
            let place = ByteFields(tail[end - 20..<end]).integer(at: 8, bytes: 8)
            guard place <= UInt64(limit - 20) else {
                throw ImportError.damaged(
                    "\(file.name), byte \(limit - 12)",
                    "the zip64 record is said to be at \(place)"
                )
            }
            let record = try file.bytes(at: Int(place), count: 56, what: "the zip64 end record")
            guard record.starts(with: [0x50, 0x4B, 6, 6]) else {
                throw ImportError.damaged("\(file.name), byte \(place)", "there is no zip64 end record")
            }
            let large = ByteFields(record)
            count = large.integer(at: 32, bytes: 8)
            byteCount = large.integer(at: 40, bytes: 8)
            offset = large.integer(at: 48, bytes: 8)
            limit = Int(place)
        }
        guard byteCount <= directoryLimit, offset <= UInt64(limit), byteCount <= UInt64(limit) - offset else {
            throw ImportError.damaged(
                "\(file.name), byte \(limit)",
                "its directory of \(byteCount) bytes at byte \(offset) does not fit before byte \(limit)"
            )
        }
        guard count <= byteCount / 46 else {
            throw ImportError.damaged(
                "\(file.name), byte \(limit)",
                "\(count) members do not fit a directory of \(byteCount) bytes"
            )
        }
        return Directory(offset: Int(offset), byteCount: Int(byteCount), count: Int(count))
    }

    /// One entry of the directory and the bytes that it takes.
    private static func member(
        _ entry: ArraySlice<UInt8>,
        file: RandomAccessFile,
        directory: Int
    ) throws -> (Member, Int) {
        let place = directory + entry.startIndex
        func damaged(_ problem: String) -> ImportError { .damaged("\(file.name), byte \(place)", problem) }
        guard entry.count >= 46, entry.starts(with: [0x50, 0x4B, 1, 2]) else {
            throw damaged("the directory of the zip has no entry here")
        }
        let fields = ByteFields(entry.prefix(46))
        let nameCount = fields.int(at: 28, bytes: 2), extraCount = fields.int(at: 30, bytes: 2)
        let length = 46 + nameCount + extraCount + fields.int(at: 32, bytes: 2)
        guard length <= entry.count else { throw damaged("an entry of \(length) bytes is longer than the directory") }
        let start = entry.startIndex + 46
        let name = String(decoding: entry[start..<start + nameCount], as: UTF8.self)
        let sizes = try sizes(
            of: fields,
            extra: ByteFields(entry[start + nameCount..<start + nameCount + extraCount]),
            damaged
        )
        let location = "\(file.name), member '\(shownName(name))'"
        guard fields.int(at: 8, bytes: 2) & 1 == 0 else {
            throw ImportError(location, "is encrypted", remedy: "save it without a password")
        }
        let method = fields.int(at: 10, bytes: 2)
        guard method == 0 || method == 8 else {
            throw ImportError(
                location,
                "is compressed by method \(method)",
                expected: "stored (0) or deflated (8), as NumPy writes",
                remedy: "save it with numpy.savez or numpy.savez_compressed"
            )
        }
        let header = try file.bytes(at: sizes.offset, count: localByteCount, what: "the header of '\(shownName(name))'")
        guard header.starts(with: [0x50, 0x4B, 3, 4]) else {
            throw ImportError.damaged(
                "\(file.name), byte \(sizes.offset)",
                "there is no header of '\(shownName(name))'"
            )
        }
        let local = ByteFields(header)
        let dataOffset = sizes.offset + localByteCount + local.int(at: 26, bytes: 2) + local.int(at: 28, bytes: 2)
        guard dataOffset <= directory, sizes.stored <= directory - dataOffset else {
            throw ImportError.damaged(
                location,
                "its \(sizes.stored) bytes at byte \(dataOffset) reach into the directory at byte \(directory)"
            )
        }
        // Deflate makes no more than 1032 bytes of one.
        guard method == 8 ? sizes.content / 1032 <= sizes.stored : sizes.content == sizes.stored else {
            throw ImportError.damaged(location, "\(sizes.stored) bytes cannot hold \(sizes.content)")
        }
        let member = Member(
            name: name,
            isDeflated: method == 8,
            checksum: UInt32(truncatingIfNeeded: fields.integer(at: 16, bytes: 4)),
            storedByteCount: sizes.stored,
            byteCount: sizes.content,
            dataOffset: dataOffset
        )
        return (member, length)
    }

    /// Sizes and offset, from the zip64 field where the entry has no room for them.
    private static func sizes(
        of fields: ByteFields,
        extra: ByteFields,
        _ damaged: (String) -> ImportError
    ) throws -> (stored: Int, content: Int, offset: Int) {
        // In the order in which the zip64 field has those that are missing.
        var values = [24, 20, 42].map { fields.integer(at: $0, bytes: 4) }
        if values.contains(0xFFFF_FFFF) {
            var position = 0
            while position + 4 <= extra.bytes.count {
                let kind = extra.int(at: position, bytes: 2), length = extra.int(at: position + 2, bytes: 2)
                guard position + 4 + length <= extra.bytes.count else { break }
                var field = position + 4
                if kind == 1 {
                    for index in values.indices where values[index] == 0xFFFF_FFFF {
                        guard field + 8 <= position + 4 + length else { break }
                        values[index] = extra.integer(at: field, bytes: 8)
                        field += 8
                    }
                }
                position += 4 + length
            }
        }
        guard values.allSatisfy({ $0 <= UInt64(Int.max) >> 2 }) else {
            throw damaged("an entry has the sizes \(values[0]) and \(values[1]) at byte \(values[2])")
        }
        return (Int(values[1]), Int(values[0]), Int(values[2]))
    }
}
