/// The index of a chunked dataset as it lies in the file: a version 1 B-tree.
///
/// Up to HDF5 1.12 the library answers where one chunk lies by a walk over all, so that asking for each of n takes
/// n² steps. This reads the tree once. What it does not know, or what does not fit the file's size, gives `nil`.
///
/// Source: "HDF5 File Format Specification Version 3.0", sections III.A.1 (B-trees), IV.A.1.a (object headers),
/// IV.A.2.i (layout message); The HDF Group.
struct ChunkIndex {
    private let bytes: UnsafeRawBufferPointer
    private let root: Int
    /// Axes of the dataset and one for the bytes of an element.
    private let dimensions: Int
    private let chunkRows: UInt64
    private let storedBytes: Int

    /// - Parameters:
    ///   - header: where the dataset's object header begins.
    ///   - storedBytes: of each chunk, with its checksum.
    init?(_ bytes: UnsafeRawBufferPointer, header: Int, rank: Int, storedBytes: Int) {
        self.bytes = bytes
        self.storedBytes = storedBytes
        dimensions = rank + 1
        let reader = Reader(bytes: bytes)
        // A superblock at the start of the file, of a version that has a byte each for the sizes of addresses and
        // lengths: eight bytes both.
        guard reader.integer(0, UInt64.self) == 0x0A1A_0A0D_4644_4889, let version = reader.integer(8, UInt8.self),
            version < 2, reader.integer(13, UInt8.self) == 8, reader.integer(14, UInt8.self) == 8,
            let layout = reader.layoutMessage(ofHeader: header), reader.integer(layout, UInt8.self) == 3,
            reader.integer(layout + 1, UInt8.self) == 2,
            reader.integer(layout + 2, UInt8.self) == UInt8(exactly: dimensions),
            let root = reader.address(layout + 3), let rows = reader.integer(layout + 11, UInt32.self), rows > 0
        else { return nil }
        self.root = root
        chunkRows = UInt64(rows)
    }

    /// Where each of the first `count` chunks along axis 0 begins; `nil` if one is not there.
    func addresses(count: Int) -> [Int]? {
        var addresses = [Int](repeating: -1, count: count)
        guard collect(root, level: nil, into: &addresses), !addresses.contains(-1) else { return nil }
        return addresses
    }

    /// - Parameter level: of the node above; levels fall, so that no damaged tree leads in circles.
    private func collect(_ node: Int, level above: Int?, into addresses: inout [Int]) -> Bool {
        let reader = Reader(bytes: bytes)
        // "TREE", and 1 for an index of chunks.
        guard reader.integer(node, UInt32.self) == 0x4545_5254, reader.integer(node + 4, UInt8.self) == 1,
            let level = reader.integer(node + 5, UInt8.self).map({ Int($0) }), above.map({ level == $0 - 1 }) ?? true,
            let entries = reader.integer(node + 6, UInt16.self)
        else { return false }
        let keyBytes = 8 + 8 * dimensions
        for entry in 0..<Int(entries) {
            let key = node + 24 + entry * (keyBytes + 8)
            guard let child = reader.address(key + keyBytes) else { return false }
            if level > 0 {
                guard collect(child, level: level, into: &addresses) else { return false }
                continue
            }
            // All filters applied, whole rows, and the size that is expected.
            guard let size = reader.integer(key, UInt32.self), Int(size) == storedBytes,
                reader.integer(key + 4, UInt32.self) == 0, let row = reader.integer(key + 8, UInt64.self),
                row.isMultiple(of: chunkRows)
            else { return false }
            // Chunks beyond the last row remain of a longer dataset.
            if row / chunkRows < UInt64(addresses.count) { addresses[Int(row / chunkRows)] = child }
        }
        return true
    }
}

/// Little-endian integers at any place of a file, `nil` beyond its end.
private struct Reader {
    let bytes: UnsafeRawBufferPointer

    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ place: Int, _: Integer.Type) -> Integer? {
        guard place >= 0, place <= bytes.count - MemoryLayout<Integer>.size else { return nil }
        return Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Integer.self))
    }

    /// An address that lies in the file.
    func address(_ place: Int) -> Int? {
        guard let address = integer(place, UInt64.self), address < UInt64(bytes.count) else { return nil }
        return Int(address)
    }

    /// Where the layout message of a version 1 object header begins.
    func layoutMessage(ofHeader header: Int) -> Int? {
        guard integer(header, UInt8.self) == 1, let messages = integer(header + 2, UInt16.self),
            let size = integer(header + 8, UInt32.self)
        else { return nil }
        // Blocks of messages: the first follows the header's prefix of 16 bytes, the others are told of by messages.
        var blocks = [header + 16..<header + 16 + Int(size)]
        var left = Int(messages), next = 0
        while next < blocks.count {
            var place = blocks[next].lowerBound
            while left > 0, place + 8 <= blocks[next].upperBound {
                guard let type = integer(place, UInt16.self), let length = integer(place + 2, UInt16.self) else {
                    return nil
                }
                if type == 8 { return place + 8 }
                if type == 16, let start = address(place + 8), let count = integer(place + 16, UInt64.self),
                    count <= UInt64(bytes.count - start)
                {
                    blocks.append(start..<start + Int(count))
                }
                left -= 1
                place += 8 + Int(length)
            }
            next += 1
        }
        return nil
    }
}
