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

/// Levels at the quantiles of a normal distribution.
///
/// KVQuant's signposts (`range`): offset ½(1/32 + 1/30); 2^(b−1) evenly spaced probabilities from it to ½, one more from
/// ½ on; each half brought to −1…0 and 0…1; the second zero dropped. `abs`: scaled by max|x| as QLoRA does.
/// Sources: Dettmers et al., QLoRA, NeurIPS 2023; Hooper et al., KVQuant, NeurIPS 2024.
struct NormalFloatCoder: BlockCoder {
    static let name = "nf"
    static let grammar = "nf-{2|3|4}-{token|channel}-{gN|whole}[-abs]"
    static let summary = "levels at the quantiles of a normal distribution"

    private let coding: TableCoding
    private let rows: (sharing: ScaleSharing, size: GroupSize)

    init(_ term: inout StageTerm) throws {
        let bits = try StageTerm.checked(term.requiredInteger("bits: 2, 3 or 4"), "bits", in: 2...4)
        rows = (try term.axis(), try term.groupSize())
        let isAbsolute = term.flag("abs")
        coding = TableCoding(
            table: Self.levels(bits),
            bits: bits,
            scaling: isAbsolute ? .absoluteMaximum : .range
        )
    }

    /// 2^bits levels from −1 to 1.
    static func levels(_ bits: Int) -> [Float] {
        let offset = 0.5 * (1.0 / 32 + 1.0 / 30), half = 1 << (bits - 1)
        func quantiles(_ first: Double, _ last: Double, _ count: Int) -> [Double] {
            (0..<count).map { Normal.quantile(first + (last - first) * Double($0) / Double(count - 1)) }
        }
        let negative = quantiles(offset, 0.5, half), positive = quantiles(0.5, 1 - offset, half + 1)
        let low = -(negative.first ?? -1), high = positive.last ?? 1
        return negative.dropLast().map { Float($0 / low) } + positive.map { Float($0 / high) }
    }

    var term: String {
        "\(Self.name)-\(coding.bits)-\(rows.sharing.idPart)-\(rows.size.idPart)"
            + (coding.scaling == .absoluteMaximum ? "-abs" : "")
    }
    var bits: Double { Double(coding.bits) }
    var scaleSharing: ScaleSharing? { rows.sharing }
    var groupSize: GroupSize? { rows.size }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        coding.encode(x, GroupedRows(shape: x.shape, sharing: rows.sharing, groupSize: rows.size))
    }
    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        try coding.decode(&reader, GroupedRows(shape: shape, sharing: rows.sharing, groupSize: rows.size))
    }
}

/// The levels of least mean squared error for normal numbers of variance 1; a stage before it normalizes.
///
/// Sources: Lloyd (1982), Max (1960); TurboQuant (Zandieh et al., ICLR 2026), whose marginal of a random direction in
/// D dimensions is N(0, 1/D) but for terms of 1/D.
struct LloydMaxCoder: BlockCoder {
    static let name = "lloyd"
    static let grammar = "lloyd-{1…8}"
    static let summary = "Lloyd-Max levels of a normal distribution"

    private let coding: TableCoding

    init(_ term: inout StageTerm) throws {
        let bits = try StageTerm.checked(term.requiredInteger("bits: 1 to 8"), "bits", in: 1...8)
        coding = TableCoding(table: LloydMax.levels(count: 1 << bits).map { Float($0) }, bits: bits, scaling: .none)
    }

    var term: String { "\(Self.name)-\(coding.bits)" }
    var bits: Double { Double(coding.bits) }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: .perToken, groupSize: .whole)
    }
    func encode(_ x: FloatBlock) -> [PackedTensor.Section] { coding.encode(x, rows(x.shape)) }
    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        try coding.decode(&reader, rows(shape))
    }
}
