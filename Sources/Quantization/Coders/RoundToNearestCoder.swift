/// KIVI's round-to-nearest through the kernels, at the end of a pipeline. Elements are rounded to float16 first, as a
/// kernel that reads a model's keys sees them.
struct RoundToNearestCoder: BlockCoder {
    static let name = "rtn"
    static let grammar = RoundToNearestScheme.grammar
    static let summary = "asymmetric round-to-nearest in groups"

    private let scheme: RoundToNearestScheme

    init(_ term: inout StageTerm) throws {
        let text = term.text
        guard let scheme = try RoundToNearestScheme.parse(text) else { throw term.missing(Self.grammar) }
        self.scheme = scheme
        for _ in 0..<3 { _ = try term.word(Self.grammar) }
    }

    var term: String { scheme.id }
    var bits: Double { scheme.bits }
    var scaleSharing: ScaleSharing? { scheme.scaleSharing }
    var groupSize: GroupSize? { scheme.groupSize }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        scheme.encode(KVBlock(heads: x.heads, tokens: x.tokens, channels: x.channels, values: x.elements)).sections
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let sections = try ["codes", "scales", "minima"].map {
            PackedTensor.Section(name: $0, bytes: try reader.next($0))
        }
        let packed = PackedTensor(
            schemeID: scheme.id,
            heads: shape.heads,
            tokens: shape.tokens,
            channels: shape.channels,
            sections: sections
        )
        return FloatBlock(
            heads: shape.heads,
            tokens: shape.tokens,
            channels: shape.channels,
            elements: try scheme.decode(packed).elements
        )
    }
}
