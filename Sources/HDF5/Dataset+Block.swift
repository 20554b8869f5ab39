import CHDF5

extension Dataset {
    /// Copies a block, one range an axis, into `target` in the order of the axes, converted to `type` by HDF5.
    ///
    /// - Throws: `HDF5Error`: `wrongType` if the block is not there or its elements are no numbers, `damaged`.
    /// - Precondition: `target` has place for the block; `type` is a type of numbers.
    public func read(block: [Range<Int>], as type: Datatype, into target: UnsafeMutableRawPointer) throws {
        precondition(type != .string, "texts of \(path) are read by rows")
        guard !block.isEmpty, block.allSatisfy({ !$0.isEmpty }) else { return }
        try locked {
            let sizes = try shape
            guard sizes.count == block.count,
                zip(sizes, block).allSatisfy({ $1.lowerBound >= 0 && $1.upperBound <= $0 })
            else { throw mismatch("read", "the block \(block) is not in its shape \(sizes)") }
            guard let stored = try datatype, stored != .string else {
                throw mismatch("read", "its elements are not \(type.rawValue)")
            }
            let start = block.map { hsize_t($0.lowerBound) }, count = block.map { hsize_t($0.count) }
            let file = try space()
            try check(
                H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, nil, count, nil),
                "select a block of",
                at: place
            )
            let memory = try Handle(
                H5Screate_simple(Int32(count.count), count, nil),
                closing: H5Sclose,
                "select a block of",
                at: place
            )
            let memoryType = try type.native(at: place)
            let result = H5Dread(handle.id, memoryType.id, memory.id, file.id, kvatlas_h5_none(), target)
            try check(result, "read", at: place)
        }
    }
}
