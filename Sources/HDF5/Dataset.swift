import CHDF5

/// A dataset of a file. Axis 0 counts rows; the others make up one row.
public final class Dataset: Sendable {
    let handle: Handle
    let place: Place

    init(_ handle: Handle, at place: Place) {
        self.handle = handle
        self.place = place
    }

    /// Absolute path inside the file.
    public var path: String { place.object ?? "/" }

    public var attributes: Attributes { Attributes(owner: handle, place: place) }

    /// Sizes of the axes now; empty for a single value.
    public var shape: [Int] {
        get throws { try locked { try sizes(of: try space()) } }
    }

    /// The element type, or `nil` if it is none that this module reads.
    public var datatype: Datatype? {
        get throws {
            try locked {
                let type = try Handle(H5Dget_type(handle.id), closing: H5Tclose, "read the type of", at: place)
                return Datatype(storedType: type.id)
            }
        }
    }

    /// Bytes that the stored elements occupy in the file; unlike the shape, this shows compression.
    public var storedByteCount: Int { locked { Int(H5Dget_storage_size(handle.id)) } }

    /// Adds `count` rows that start at `rows`, in memory as `type`, at the end.
    ///
    /// If the rows cannot be written the dataset keeps its former length.
    ///
    /// - Throws: `HDF5Error`: `diskFull` and the like.
    /// - Precondition: `rows` holds `count` whole rows.
    public func append(_ count: Int, rows: UnsafeRawPointer, as type: Datatype) throws {
        precondition(count >= 0, "append \(count) rows to \(path)")
        guard count > 0 else { return }
        try locked {
            let memoryType = try type.native(at: place)
            let before = try sizes(of: try space())
            guard !before.isEmpty else { throw mismatch("append to", "it is a single value") }
            let after = [before[0] + count] + before.dropFirst()
            try check(H5Dset_extent(handle.id, after.map { hsize_t($0) }), "extend", at: place)
            do {
                let (file, memory) = try selection(before[0]..<after[0], of: after)
                let written = H5Dwrite(handle.id, memoryType.id, memory.id, file.id, kvatlas_h5_none(), rows)
                try check(written, "append to", at: place)
            } catch {
                _ = H5Dset_extent(handle.id, before.map { hsize_t($0) })
                throw error
            }
        }
    }

    /// Takes away all rows after the first `rows`, if there are more.
    ///
    /// - Throws: `HDF5Error`: `wrongType` for a single value.
    public func shrink(to rows: Int) throws {
        precondition(rows >= 0, "shrink \(path) to \(rows) rows")
        try locked {
            let before = try sizes(of: try space())
            guard let count = before.first else { throw mismatch("shrink", "it is a single value") }
            guard count > rows else { return }
            let after = [hsize_t(rows)] + before.dropFirst().map { hsize_t($0) }
            try check(H5Dset_extent(handle.id, after), "shrink", at: place)
        }
    }

    /// Copies rows into `target`, converted to `type` by HDF5 if they are stored as another.
    ///
    /// - Throws: `HDF5Error`: `damaged` if a checksum does not match,
    ///   `wrongType` if rows are not there or are no numbers.
    /// - Precondition: `target` has place for them.
    public func read(rows: Range<Int>, as type: Datatype, into target: UnsafeMutableRawPointer) throws {
        guard !rows.isEmpty else { return }
        try locked {
            guard let stored = try datatype, (stored == .string) == (type == .string) else {
                throw mismatch("read", "its elements are not \(type.rawValue)")
            }
            let memoryType = try type.native(at: place)
            let (file, memory) = try selection(rows, of: try sizes(of: try space()))
            let result = H5Dread(handle.id, memoryType.id, memory.id, file.id, kvatlas_h5_none(), target)
            try check(result, "read", at: place)
        }
    }

    func mismatch(_ action: String, _ reason: String) -> HDF5Error {
        HDF5Error(code: .wrongType, action: action, place: place, reason: reason)
    }

    func space() throws -> Handle {
        try Handle(H5Dget_space(handle.id), closing: H5Sclose, "read the shape of", at: place)
    }

    func sizes(of space: Handle) throws -> [Int] {
        let rank = Int(try check(H5Sget_simple_extent_ndims(space.id), "read the shape of", at: place))
        var sizes = [hsize_t](repeating: 0, count: rank)
        try check(H5Sget_simple_extent_dims(space.id, &sizes, nil), "read the shape of", at: place)
        return sizes.map { Int($0) }
    }

    /// The rows as a selection in the file, and a dense block of memory for them.
    private func selection(_ rows: Range<Int>, of shape: [Int]) throws -> (file: Handle, memory: Handle) {
        guard let available = shape.first, rows.lowerBound >= 0, rows.upperBound <= available else {
            throw mismatch("read", "rows \(rows.lowerBound)..<\(rows.upperBound) are not in its shape \(shape)")
        }
        let count = [hsize_t(rows.count)] + shape.dropFirst().map { hsize_t($0) }
        let start = [hsize_t(rows.lowerBound)] + [hsize_t](repeating: 0, count: shape.count - 1)
        let file = try space()
        try check(
            H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, nil, count, nil),
            "select rows of",
            at: place
        )
        let memory = try Handle(
            H5Screate_simple(Int32(count.count), count, nil),
            closing: H5Sclose,
            "select rows of",
            at: place
        )
        return (file, memory)
    }
}
