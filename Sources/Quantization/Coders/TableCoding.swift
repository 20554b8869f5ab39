/// Codes that stand for the entries of a table, for groups that are shifted and scaled into it.
///
/// What coders with a table of levels share; the table is sorted.
struct TableCoding {
    /// How a group is brought to the table.
    enum Scaling: Equatable {
        /// Not at all: what came before has normalized it.
        case none
        /// By max|x|, which becomes 1.
        case absoluteMaximum
        /// By the middle and half of its range, which becomes −1…1 (KVQuant's normal floats).
        case range
    }

    let table: [Float]
    let bits: Int
    let scaling: Scaling

    /// The nearest entry; the lower of two that are as near.
    func nearest(_ x: Float) -> UInt16 {
        guard !x.isNaN else { return 0 }
        var low = 0, high = table.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if table[middle] <= x { low = middle } else { high = middle }
        }
        return UInt16(low < high && table[high] - x < x - table[low] ? high : low)
    }

    private func numbers(_ x: ArraySlice<Float>) -> (scale: Float, offset: Float) {
        guard x.allSatisfy({ $0.isFinite }) else { return (.nan, 0) }
        let format = MetadataFormat.float16
        switch scaling {
        case .none: return (1, 0)
        case .absoluteMaximum: return (format.rounded(x.reduce(0) { max($0, abs($1)) }), 0)
        case .range:
            let low = x.min() ?? 0, high = x.max() ?? 0
            return (format.rounded((high - low) / 2), format.rounded((high + low) / 2))
        }
    }

    func encode(_ x: FloatBlock, _ rows: GroupedRows) -> [PackedTensor.Section] {
        let values = rows.rows(x)
        var codes = [UInt16](repeating: 0, count: values.count)
        var scales = [Float](repeating: 0, count: rows.groupCount), offsets = scales
        rows.forEachGroup { group, range in
            let (scale, offset) = numbers(values[range])
            (scales[group], offsets[group]) = (scale, offset)
            let inverse = scale > 0 ? 1 / scale : 0
            for index in range { codes[index] = nearest((values[index] - offset) * inverse) }
        }
        var sections = [PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: bits))]
        if scaling != .none { sections.append(.init("scales", scales)) }
        if scaling == .range { sections.append(.init("offsets", offsets)) }
        return sections
    }

    func decode(_ reader: inout SectionReader, _ rows: GroupedRows) throws -> FloatBlock {
        let count = rows.shape.elementCount
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: bits))
        let codes = BitPacking.unpack(bytes, count: count, bits: bits), groups = rows.groupCount
        guard codes.allSatisfy({ Int($0) < table.count }) else {
            throw reader.malformed("a code is beyond the table of \(table.count)")
        }
        let one = [Float](repeating: 1, count: groups), nothing = [Float](repeating: 0, count: groups)
        let scales = scaling == .none ? one : try reader.floats("scales", count: groups)
        let offsets = scaling == .range ? try reader.floats("offsets", count: groups) : nothing
        var values = [Float](repeating: 0, count: count)
        rows.forEachGroup { group, range in
            for index in range { values[index] = table[Int(codes[index])] * scales[group] + offsets[group] }
        }
        return rows.block(values)
    }
}
