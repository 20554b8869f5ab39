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
