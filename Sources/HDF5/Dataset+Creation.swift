import CHDF5

/// How a dataset is laid out in the file.
public struct Storage: Sendable {
    /// Rows (steps along axis 0) of one chunk; `nil` stores a fixed size in one piece.
    public var chunkRows: Int?
    /// A Fletcher-32 checksum for each chunk; needs chunks. HDF5 allows no
    /// filter on texts, which lie outside the chunks: there it has no effect.
    public var checksum: Bool
    /// Byte shuffle and deflate at this level, 1…9; needs chunks. Off by
    /// default: on tensors of a cache it is 30 times slower and saves 12 %.
    public var deflateLevel: Int?

    public init(chunkRows: Int? = nil, checksum: Bool = true, deflateLevel: Int? = nil) {
        self.chunkRows = chunkRows
        self.checksum = checksum
        self.deflateLevel = deflateLevel
    }
}

extension Group {
    /// Makes a dataset in this group; a chunked one can grow along axis 0.
    ///
    /// Its cache for chunks is switched off, so that memory does not grow with
    /// the number of datasets: append whole chunks at a time.
    ///
    /// - Precondition: sizes are not negative, and those of a chunked dataset's rows are positive.
    public func createDataset(_ name: String, _ type: Datatype, shape: [Int], storage: Storage) throws -> Dataset {
        precondition(shape.allSatisfy { $0 >= 0 } && !shape.isEmpty, "shape \(shape) of \(name)")
        return try locked {
            let child = place.child(name)
            let action = "create the dataset"
            let creation = try Handle(
                H5Pcreate(kvatlas_h5_dataset_creation()),
                closing: H5Pclose,
                action,
                at: child
            )
            let access = try Handle(H5Pcreate(kvatlas_h5_dataset_access()), closing: H5Pclose, action, at: child)
            let sizes = shape.map { hsize_t($0) }
            var limits = sizes
            if let chunkRows = storage.chunkRows {
                precondition(chunkRows > 0 && shape.dropFirst().allSatisfy { $0 > 0 }, "chunks of \(shape), \(name)")
                limits[0] = kvatlas_h5_unlimited()
                let chunk = [hsize_t(chunkRows)] + sizes.dropFirst()
                try check(H5Pset_chunk(creation.id, Int32(chunk.count), chunk), action, at: child)
                if type != .string, let level = storage.deflateLevel {
                    try check(H5Pset_shuffle(creation.id), action, at: child)
                    try check(H5Pset_deflate(creation.id, UInt32(level)), action, at: child)
                }
                // Last, so that it covers the bytes as they are stored.
                if type != .string, storage.checksum { try check(H5Pset_fletcher32(creation.id), action, at: child) }
                try check(H5Pset_chunk_cache(access.id, 0, 0, 1), action, at: child)
            }
            let space = try Handle(
                H5Screate_simple(Int32(sizes.count), sizes, limits),
                closing: H5Sclose,
                action,
                at: child
            )
            let stored = try type.stored(at: child)
            let id = H5Dcreate2(handle.id, name, stored.id, space.id, kvatlas_h5_none(), creation.id, access.id)
            return Dataset(try Handle(id, closing: H5Dclose, within: handle, action, at: child), at: child)
        }
    }
}
