/// Fewer bits for the tokens that get least attention.
///
/// In each head the share of tokens of least saliency has LOW bits, the others HIGH; scales per channel over the tokens
/// of a class, or per token. A mask of one bit a token and head says which. Source: He et al., ZipCache, NeurIPS 2024.
struct SaliencyCoder: BlockCoder {
    static let name = "saliency"
    static let grammar = "saliency-LOW-HIGH-SHARE-{token|channel}"
    static let summary = "fewer bits for tokens that get little attention"

    private let low: Int
    private let high: Int
    private let share: Double
    private let sharing: ScaleSharing
    private let coders: (low: UniformCoder, high: UniformCoder)
    private var saliency: FloatBlock?

    init(_ term: inout StageTerm) throws {
        low = try StageTerm.checked(term.requiredInteger("bits of other tokens"), "bits", in: 1...8)
        high = try StageTerm.checked(term.requiredInteger("bits of salient tokens"), "bits", in: 1...8)
        share = try StageTerm.checked(term.requiredDecimal("a share such as 0.4"), "share", above: 0, to: 1)
        sharing = try term.axis()
        coders = (
            try UniformCoder.reading("uniform-\(low)-\(sharing.idPart)-whole"),
            try UniformCoder.reading("uniform-\(high)-\(sharing.idPart)-whole")
        )
    }

    var term: String { "\(Self.name)-\(low)-\(high)-\(StageTerm.written(share))-\(sharing.idPart)" }
    var bits: Double { share * Double(low) + (1 - share) * Double(high) }
    var scaleSharing: ScaleSharing? { sharing }
    var groupSize: GroupSize? { .whole }

    func prepared(for context: SchemeContext) -> SaliencyCoder {
        var copy = self
        copy.saliency = context.saliency
        return copy
    }

    private func lowTokens(_ shape: BlockShape) -> Int { Int((share * Double(shape.tokens)).rounded()) }

    private func part(_ x: FloatBlock, _ masks: [UInt16], _ bit: UInt16, _ count: Int) -> FloatBlock {
        var elements: [Float] = []
        for vector in 0..<x.vectors where masks[vector] == bit {
            elements += x.elements[vector * x.channels..<(vector + 1) * x.channels]
        }
        return FloatBlock(heads: x.heads, tokens: count, channels: x.channels, elements: elements)
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        guard let saliency, saliency.heads == x.heads, saliency.tokens == x.tokens else {
            throw SchemeError.needsQueries(scheme: term)
        }
        let count = lowTokens(x.shape)
        var masks = [UInt16](repeating: 1, count: x.vectors)
        for head in 0..<x.heads {
            let own = saliency.elements[head * x.tokens..<(head + 1) * x.tokens]
            let order = own.indices.sorted { (own[$0], $0) < (own[$1], $1) }
            for index in order.prefix(count) { masks[index] = 0 }
        }
        let low = try coders.low.encode(part(x, masks, 0, count))
        let high = try coders.high.encode(part(x, masks, 1, x.tokens - count))
        func renamed(_ sections: [PackedTensor.Section], _ prefix: String) -> [PackedTensor.Section] {
            sections.map { PackedTensor.Section(name: prefix + $0.name, bytes: $0.bytes) }
        }
        return [PackedTensor.Section(name: "mask", bytes: BitPacking.pack(masks, bits: 1))]
            + renamed(low, "low-") + renamed(high, "high-")
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let vectors = shape.heads * shape.tokens, count = lowTokens(shape)
        let masks = BitPacking.unpack(
            try reader.next("mask", byteCount: BitPacking.byteCount(vectors, bits: 1)),
            count: vectors,
            bits: 1
        )
        for head in 0..<shape.heads {
            let marked = masks[head * shape.tokens..<(head + 1) * shape.tokens].reduce(0) { $0 + Int($1) }
            guard marked == shape.tokens - count else {
                throw reader.malformed("a mask marks \(marked) tokens, not \(shape.tokens - count)")
            }
        }
        func part(_ coder: UniformCoder, _ prefix: String, _ tokens: Int) throws -> FloatBlock {
            let sections = try ["codes", "scales", "offsets"].map {
                PackedTensor.Section(name: $0, bytes: try reader.next(prefix + $0))
            }
            var inner = SectionReader(schemeID: term, sections)
            return try coder.decode(
                &inner,
                BlockShape(heads: shape.heads, tokens: tokens, channels: shape.channels)
            )
        }
        let parts = [try part(coders.low, "low-", count), try part(coders.high, "high-", shape.tokens - count)]
        var x = FloatBlock(zeros: shape), next = [0, 0]
        for vector in 0..<vectors {
            let bit = Int(masks[vector]), source = next[bit] * shape.channels
            next[bit] += 1
            for channel in 0..<shape.channels {
                x.elements[vector * shape.channels + channel] = parts[bit].elements[source + channel]
            }
        }
        return x
    }
}
