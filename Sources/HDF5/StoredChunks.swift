import CHDF5

/// Where the chunks of a dataset lie in its file, for readers that pass by the library.
///
/// The library takes one lock for all threads; a dataset without other filters than a checksum lies in the file as it
/// is in memory, and any number of threads can read it there.
public struct StoredChunks: Sendable {
    /// Absolute path inside the file.
    public let path: String
    /// Rows of the dataset, and of a chunk; the last chunk may hold rows beyond the last row.
    public let rows: Int
    public let rowsPerChunk: Int
    /// Bytes of a row and of a chunk, without its checksum.
    public let rowBytes: Int
    public var chunkBytes: Int { rowsPerChunk * rowBytes }
    /// Whether a Fletcher-32 checksum, 4 bytes with the lowest first, follows each chunk.
    public let hasChecksum: Bool
    /// Where each chunk begins in the file, by its place along axis 0.
    public let addresses: [Int]

    /// The chunks that some rows lie in.
    public func chunks(of rows: Range<Int>) -> Range<Int> {
        rows.isEmpty ? 0..<0 : rows.lowerBound / rowsPerChunk..<(rows.upperBound - 1) / rowsPerChunk + 1
    }

    /// The rows that lie in a chunk.
    public func rows(ofChunk index: Int) -> Range<Int> {
        index * rowsPerChunk..<min(rows, (index + 1) * rowsPerChunk)
    }

    /// Copies some rows of a chunk, counted from its first, to `target`; beyond the last row of the dataset too.
    ///
    /// - Throws: as `FileMapping.read`.
    public func read(
        _ rows: Range<Int>,
        ofChunk index: Int,
        from mapping: FileMapping,
        into target: UnsafeMutableRawPointer
    ) throws {
        let start = addresses[index] + rows.lowerBound * rowBytes
        try mapping.read(start..<start + rows.count * rowBytes, into: target)
    }

    /// The checksum that was stored with a chunk; `nil` for none.
    ///
    /// - Throws: as `FileMapping.read`.
    public func checksum(ofChunk index: Int, from mapping: FileMapping) throws -> UInt32? {
        guard hasChecksum else { return nil }
        var checksum: UInt32 = 0
        let start = addresses[index] + chunkBytes
        try withUnsafeMutableBytes(of: &checksum) {
            if let target = $0.baseAddress { try mapping.read(start..<start + 4, into: target) }
        }
        return UInt32(littleEndian: checksum)
    }

    /// What to throw for a chunk whose bytes do not have the checksum that was stored with them.
    public func damaged(chunk index: Int, file: String) -> HDF5Error {
        HDF5Error(
            code: .damaged,
            action: "read",
            path: file,
            object: path,
            reason: "the checksum of chunk \(index) (rows \(rows(ofChunk: index).lowerBound) to "
                + "\(rows(ofChunk: index).upperBound - 1)) does not match"
        )
    }
}

extension Dataset {
    /// Where the chunks lie, if they can be read as they are.
    ///
    /// - Parameter mapping: of the file that the dataset is in.
    /// - Returns: `nil` for datasets that are not chunked along axis 0 alone, whose bytes pass other filters than a
    ///   checksum or are in another order than this machine's, and where a chunk was never written: these only the
    ///   library can read.
    /// - Throws: `HDF5Error`: `truncated` if a chunk would lie beyond the end of the file.
    /// - Complexity: O(chunks).
    public func storedChunks(in mapping: FileMapping) throws -> StoredChunks? {
        try locked {
            let shape = try shape
            guard let type = try datatype, type != .string, try isNativeOrder(), let chunk = try chunkShape,
                shape.count > 0, chunk.dropFirst() == shape.dropFirst(), chunk[0] > 0
            else { return nil }
            let filters = try filters
            guard filters.isEmpty || filters == ["fletcher32"] else { return nil }
            let rowBytes = shape.dropFirst().reduce(type.byteCount, *)
            let count = (shape[0] + chunk[0] - 1) / chunk[0]
            let stored = rowBytes * chunk[0] + (filters.isEmpty ? 0 : 4)
            guard rowBytes > 0, let addresses = chunkAddresses(count, rank: shape.count, storedBytes: stored, mapping)
            else { return nil }
            guard addresses.allSatisfy({ $0 >= 0 && $0 <= mapping.bytes.count - stored }) else {
                throw HDF5Error(
                    code: .truncated,
                    action: "read",
                    place: place,
                    reason: "the file ends at byte \(mapping.bytes.count), before its last chunk does"
                )
            }
            return StoredChunks(
                path: path,
                rows: shape[0],
                rowsPerChunk: chunk[0],
                rowBytes: rowBytes,
                hasChecksum: !filters.isEmpty,
                addresses: addresses
            )
        }
    }

    /// From the file's own index, or else from the library, whose every answer searches the index from its start.
    private func chunkAddresses(_ count: Int, rank: Int, storedBytes: Int, _ mapping: FileMapping) -> [Int]? {
        guard count > 0 else { return [] }
        guard let first = libraryAddress(chunk: 0, rank: rank, storedBytes: storedBytes) else { return nil }
        var header = H5O_info_t()
        if H5Oget_info1(handle.id, &header) >= 0,
            let place = Int(exactly: header.addr),
            let index = ChunkIndex(mapping.bytes, header: place, rank: rank, storedBytes: storedBytes),
            let addresses = index.addresses(count: count), addresses[0] == first
        {
            return addresses
        }
        guard count <= 4096 else { return nil }
        var addresses: [Int] = []
        for chunk in 0..<count {
            guard let address = libraryAddress(chunk: chunk, rank: rank, storedBytes: storedBytes) else { return nil }
            addresses.append(address)
        }
        return addresses
    }

    /// Where a chunk lies, or `nil` if it is not there or not of this size.
    private func libraryAddress(chunk index: Int, rank: Int, storedBytes: Int) -> Int? {
        guard let rows = (try? chunkShape)??.first else { return nil }
        let offset = [hsize_t(index * rows)] + [hsize_t](repeating: 0, count: rank - 1)
        var mask: UInt32 = 0
        var address: haddr_t = 0
        var bytes: hsize_t = 0
        guard H5Dget_chunk_info_by_coord(handle.id, offset, &mask, &address, &bytes) >= 0, bytes == storedBytes,
            mask == 0, address != haddr_t.max
        else {
            _ = kvatlas_h5_read_error()
            return nil
        }
        // A damaged index can say anything.
        return Int(exactly: address)
    }

    private func isNativeOrder() throws -> Bool {
        let type = try Handle(H5Dget_type(handle.id), closing: H5Tclose, "read the type of", at: place)
        let native = try Handle(H5Tcopy(kvatlas_h5_native_double()), closing: H5Tclose, "read the type of", at: place)
        return H5Tget_order(type.id) == H5Tget_order(native.id)
    }
}
