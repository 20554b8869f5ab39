/// Divides each token's vector of a head by its root mean square, which is stored.
///
/// `norm` stores the vector's norm as float16, so that a coder for variance 1 may follow. With `corrected`, what is
/// read back is brought to the stored norm again (vLLM's norm correction, schemes.md §1.19).
struct TokenNormStage: PipelineStage {
    static let name = "norm"
    static let grammar = "norm[-corrected]"
    static let summary = "tokens at unit variance, norms stored"
    private let isCorrected: Bool

    init(_ term: inout StageTerm) throws { isCorrected = term.flag("corrected") }

    var term: String { isCorrected ? "\(Self.name)-corrected" : Self.name }

    static func norm(_ vector: UnsafeMutableBufferPointer<Float>) -> Float {
        // In double: the square of a float16 may not fit a float32 sum.
        Float(vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }

    static func norms(_ x: FloatBlock) -> [Float] {
        var copy = x, norms: [Float] = []
        copy.forEachVector { _, vector in norms.append(MetadataFormat.float16.rounded(norm(vector))) }
        return norms
    }

    private static func scale(_ x: inout FloatBlock, by factor: (Int) -> Float) {
        x.forEachVector { place, vector in
            let factor = factor(place)
            for i in vector.indices { vector[i] *= factor }
        }
    }

    private func normalized(_ x: FloatBlock, _ norms: [Float]) -> FloatBlock {
        var changed = x
        let root = Float(x.channels).squareRoot()
        Self.scale(&changed) { norms[$0] == 0 ? 0 : root / norms[$0] }
        return changed
    }

    func passedOn(_ x: FloatBlock) -> FloatBlock { normalized(x, Self.norms(x)) }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        let norms = Self.norms(x)
        return [PackedTensor.Section("norms", norms)] + (try rest.encode(normalized(x, norms)))
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        let norms = try reader.floats("norms", count: shape.heads * shape.tokens)
        var x = try rest.decode(&reader, shape)
        let root = Float(shape.channels).squareRoot()
        if isCorrected {
            x.forEachVector { place, vector in
                let own = Self.norm(vector), factor = own > 0 ? norms[place] / own : 0
                for i in vector.indices { vector[i] *= norms[place].isFinite ? factor : .nan }
            }
        } else {
            Self.scale(&x) { norms[$0] / root }
        }
        return x
    }
}

/// One root mean square a token over all heads (HIGGS, AQUA-KV: groups of the whole layer's vector).
struct LayerNormStage: TransformStage {
    static let name = "layernorm"
    static let grammar = "layernorm"
    static let summary = "tokens of all heads at unit variance, one norm stored"

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }

    func metadata(of shape: BlockShape) -> [(name: String, count: Int, format: MetadataFormat)] {
        [("norms", shape.tokens, .float16)]
    }

    func measure(_ x: FloatBlock) -> [[Float]] {
        var squares = [Double](repeating: 0, count: x.tokens), copy = x
        copy.forEachVector { place, vector in
            squares[place % x.tokens] += vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        return [squares.map { Float($0.squareRoot()) }]
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) {
        let root = Float(x.heads * x.channels).squareRoot(), tokens = x.tokens
        x.forEachVector { place, vector in
            let norm = metadata[0][place % tokens], factor = norm == 0 ? 0 : root / norm
            for i in vector.indices { vector[i] *= factor }
        }
    }

    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) {
        let root = Float(x.heads * x.channels).squareRoot(), tokens = x.tokens
        x.forEachVector { place, vector in
            let factor = metadata[0][place % tokens] / root
            for i in vector.indices { vector[i] *= factor }
        }
    }
}

/// Takes each channel's mean over the block's tokens away (NSNQuant's shift).
struct ChannelMeanStage: TransformStage {
    static let name = "center"
    static let grammar = "center"
    static let summary = "channels less their mean over tokens"

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }

    func metadata(of shape: BlockShape) -> [(name: String, count: Int, format: MetadataFormat)] {
        [("means", shape.heads * shape.channels, .float16)]
    }

    func measure(_ x: FloatBlock) -> [[Float]] {
        [x.foldChannels(0.0) { $0 += Double($1) }.map { Float($0 / Double(max(1, x.tokens))) }]
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) { add(&x, metadata[0], -1) }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) { add(&x, metadata[0], 1) }

    private func add(_ x: inout FloatBlock, _ means: [Float], _ sign: Float) {
        x.forEachChannelElement { $1 += sign * means[$0] }
    }
}

/// Divides each channel by the root of its largest magnitude over the block's tokens.
///
/// Source: He et al., ZipCache, NeurIPS 2024: channel-separable tokenwise quantization.
struct ChannelRootStage: TransformStage {
    static let name = "rootmax"
    static let grammar = "rootmax"
    static let summary = "channels by the root of their largest magnitude"

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }

    func metadata(of shape: BlockShape) -> [(name: String, count: Int, format: MetadataFormat)] {
        [("roots", shape.heads * shape.channels, .float16)]
    }

    func measure(_ x: FloatBlock) -> [[Float]] {
        [x.channelMagnitudes().map { $0.squareRoot() }]
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) { multiply(&x, metadata[0].map { $0 > 0 ? 1 / $0 : 0 }) }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) { multiply(&x, metadata[0]) }

    private func multiply(_ x: inout FloatBlock, _ factors: [Float]) {
        x.forEachChannelElement { $1 *= factors[$0] }
    }
}
