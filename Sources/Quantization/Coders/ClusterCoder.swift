import TensorCore

/// Channels of like range in one group, found by k-means of their minimum and maximum over a calibration text.
///
/// There are as many groups as groups of N channels would be, of whatever size; each token has a scale and a minimum
/// for each. Source: Duanmu et al., SKVQ, COLM 2024: channel reorder and clipped dynamic quantization.
struct ClusterCoder: BlockCoder {
    static let name = "clusters"
    static let grammar = "clusters-{1…8|1.5}-gN[-clipC][-{bf16|f32|e4m3}]"
    static let summary = "per token, in groups of channels of like range"

    private let uniform: UniformCoder
    /// Cluster of each channel of each head.
    private var labels: [Int] = []

    init(_ term: inout StageTerm) throws {
        let bits = term.integer().map { "\($0)" } ?? (term.decimal() == 1.5 ? "1.5" : "")
        guard !bits.isEmpty else { throw term.missing("bits: 1 to 8, or 1.5 for three levels") }
        let size = try term.groupSize()
        let clip = term.decimal(after: "clip").map { "-clip\(StageTerm.written($0))" } ?? ""
        let format = term.metadata().map { "-\($0.rawValue)" } ?? ""
        uniform = try UniformCoder.reading("uniform-\(bits)-token-\(size.idPart)\(clip)\(format)")
    }

    var term: String {
        // The uniform coder's own parameters, without its axis.
        uniform.term.replacing("uniform-", with: "\(Self.name)-").replacing("-token-", with: "-")
    }
    var bits: Double { uniform.bits }
    var scaleSharing: ScaleSharing? { .perToken }
    /// On average.
    var groupSize: GroupSize? { uniform.rows.size }
    var scaleType: String { uniform.scaleType }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        let ranges = x.foldChannels((low: Float.infinity, high: -Float.infinity)) {
            $0 = (min($0.low, $1), max($0.high, $1))
        }
        let size = uniform.rows.size.resolved(dimension: x.channels)
        let count = max(1, (x.channels + size - 1) / size)
        var labels: [Float] = []
        for head in 0..<x.heads {
            let points = (0..<x.channels).flatMap { channel -> [Float] in
                let range = ranges[head * x.channels + channel]
                return range.low.isFinite ? [range.low, range.high] : [0, 0]
            }
            // Several starts, as the released code has.
            let runs = (1...10).map { KMeans.run(points, dimensions: 2, count: count, iterations: 50, seed: $0) }
            let best = runs.min { $0.cost < $1.cost }
            labels += (best?.labels ?? []).map { Float($0) }
        }
        return ["clusters": CalibrationArray(shape: [x.heads, x.channels], values: labels)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> ClusterCoder {
        var copy = self
        copy.labels = try arrays["clusters"]?.integers(in: 0...65535, scheme: term, "clusters") ?? []
        return copy
    }

    /// Channels of each cluster of a head, none of them empty.
    private func clusters(_ shape: BlockShape) throws -> [[[Int]]] {
        try checkCalibration(term, labels.count, shape.heads * shape.channels)
        return (0..<shape.heads).map { head in
            let own = labels[head * shape.channels..<(head + 1) * shape.channels]
            return Set(own).sorted().map { label in
                own.indices.filter { own[$0] == label }.map { $0 - own.startIndex }
            }
        }
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let clusters = try clusters(x.shape)
        var codes: [UInt16] = [], scales: [Float] = [], offsets: [Float] = []
        for vector in 0..<x.vectors {
            for channels in clusters[vector / x.tokens] {
                let values = channels.map { x.elements[vector * x.channels + $0] }
                var own = [UInt16](repeating: 0, count: values.count)
                values.withUnsafeBufferPointer { values in
                    let (scale, offset) = uniform.parameters(values)
                    scales.append(scale)
                    offsets.append(offset)
                    own.withUnsafeMutableBufferPointer { uniform.code(values, scale: scale, offset: offset, into: $0) }
                }
                codes += own
            }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, levels: uniform.levels)),
            PackedTensor.Section("scales", scales, uniform.format),
            PackedTensor.Section("offsets", offsets, uniform.format),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let clusters = try clusters(shape), count = shape.elementCount
        let groups = shape.tokens * clusters.reduce(0) { $0 + $1.count }
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, levels: uniform.levels))
        let codes = BitPacking.unpack(bytes, count: count, levels: uniform.levels)
        let scales = try reader.floats("scales", count: groups, uniform.format)
        let offsets = try reader.floats("offsets", count: groups, uniform.format)
        var x = FloatBlock(zeros: shape), group = 0, code = 0
        for vector in 0..<x.vectors {
            for channels in clusters[vector / shape.tokens] {
                for channel in channels {
                    x.elements[vector * shape.channels + channel] =
                        uniform.value(codes[code], scale: scales[group], offset: offsets[group])
                    code += 1
                }
                group += 1
            }
        }
        return x
    }
}
