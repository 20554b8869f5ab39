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
