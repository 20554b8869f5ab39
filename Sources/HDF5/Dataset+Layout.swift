import CHDF5

extension Dataset {
    /// Sizes of a chunk, or `nil` if the dataset is stored in one piece.
    public var chunkShape: [Int]? {
        get throws {
            try locked {
                let creation = try creationProperties()
                guard H5Pget_layout(creation.id) == H5D_CHUNKED else { return nil }
                var sizes = [hsize_t](repeating: 0, count: try shape.count)
                try check(H5Pget_chunk(creation.id, Int32(sizes.count), &sizes), "read the layout of", at: place)
                return sizes.map { Int($0) }
            }
        }
    }

    /// Names of the filters each chunk passes, e.g. `fletcher32`, in order.
    public var filters: [String] {
        get throws {
            try locked {
                let creation = try creationProperties()
                let count = try check(H5Pget_nfilters(creation.id), "read the filters of", at: place)
                return try (0..<UInt32(count)).map { index in
                    var flags: UInt32 = 0
                    var values = 0
                    var name = [CChar](repeating: 0, count: 64)
                    var configuration: UInt32 = 0
                    let id = H5Pget_filter2(
                        creation.id,
                        index,
                        &flags,
                        &values,
                        nil,
                        name.count,
                        &name,
                        &configuration
                    )
                    try check(id, "read the filters of", at: place)
                    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                }
            }
        }
    }

    /// How many leading rows are really there, chunk by chunk from the end.
    ///
    /// A writer that was killed inside a flush can leave a length that counts
    /// rows whose chunk never reached the file; HDF5 would read them as zeros.
    ///
    /// - Complexity: one chunk is read if all is well.
    public func readableRowCount() throws -> Int {
        try locked {
            guard let rows = try shape.first, let chunk = try chunkShape, let type = try datatype else { return 0 }
            let rowElements = try shape.dropFirst().reduce(1, *)
            var usable = rows
            while usable > 0, !isStored(row: usable - 1, rank: chunk.count, type, rowElements) {
                usable = (usable - 1) / chunk[0] * chunk[0]
            }
            return usable
        }
    }

    private func isStored(row: Int, rank: Int, _ type: Datatype, _ rowElements: Int) -> Bool {
        var mask: UInt32 = 0
        var address: haddr_t = 0
        var bytes: hsize_t = 0
        let offset = [hsize_t(row)] + [hsize_t](repeating: 0, count: rank - 1)
        guard H5Dget_chunk_info_by_coord(handle.id, offset, &mask, &address, &bytes) >= 0, bytes > 0 else {
            return false
        }
        if type == .string { return (try? readStrings(rows: row..<row + 1)) != nil }
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(1, rowElements) * type.byteCount, alignment: 16)
        defer { buffer.deallocate() }
        return (try? read(rows: row..<row + 1, as: type, into: buffer)) != nil
    }

    private func creationProperties() throws -> Handle {
        try Handle(H5Dget_create_plist(handle.id), closing: H5Pclose, "read the layout of", at: place)
    }
}
