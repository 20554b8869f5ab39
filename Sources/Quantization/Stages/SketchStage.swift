/// Stores what the rest leaves over as signs of random projections, so that inner products come out without bias.
///
/// Source: Zandieh et al., TurboQuant, ICLR 2026, Algorithm 2 (Q_prod).
struct SketchStage: PipelineStage {
    static let name = "sketch"
    static let grammar = "sketch"
    static let summary = "signs of random projections of what is left over, and its norm"

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        let (sections, decoded) = try rest.roundTrip(x)
        var error = x
        for index in error.elements.indices { error.elements[index] -= decoded.elements[index] }
        let sketch = SignSketch(channels: x.channels, count: x.channels, seed: 2)
        var signs: [UInt16] = []
        error.forEachVector { _, vector in signs += sketch.signs(vector) }
        return [
            PackedTensor.Section("rest-norms", TokenNormStage.norms(error)),
            PackedTensor.Section(name: "signs", bytes: BitPacking.pack(signs, bits: 1)),
        ] + sections
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        let norms = try reader.floats("rest-norms", count: shape.heads * shape.tokens), count = shape.elementCount
        let bytes = try reader.next("signs", byteCount: BitPacking.byteCount(count, bits: 1))
        let signs = BitPacking.unpack(bytes, count: count, bits: 1)
        let sketch = SignSketch(channels: shape.channels, count: shape.channels, seed: 2)
        var x = try rest.decode(&reader, shape)
        x.forEachVector { place, vector in
            let own = signs[place * shape.channels..<(place + 1) * shape.channels]
            sketch.add(own, norm: norms[place], to: vector)
        }
        return x
    }
}
