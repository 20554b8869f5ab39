import Foundation

/// Integers in 2·M + 1 steps a token, written in as few bits as their frequencies allow.
///
/// `M = ⌊bins/2⌋ − 1`, `q = round(x·M/max|x|) + M` per token; a range coder with the frequencies of each channel in a
/// calibration text. How many bits that takes is measured, not promised: a format for storing and sending, not for
/// attention. The released encoder sends the frequencies of each chunk of 256 tokens along, or counts them as known; here they
/// are those of another text, which cost no bits and fit less well. `cachegen` has the released bins of each layer: keys 32 in layers 0–9 and 16 after, values 32 in the first
/// two layers. Source: Liu et al., CacheGen, SIGCOMM 2024, the released encoder (schemes.md §1.21).
struct EntropyCoder: BlockCoder {
    static let name = "entropy"
    static let grammar = "entropy-{BINS|cachegen}"
    static let summary = "integers a token, entropy coded by the frequencies of a calibration text"

    /// `nil` for those of CacheGen.
    private let bins: Int?
    private var layer = 0
    private var side = CacheSide.key
    /// `[channel][symbol]`, each at least 1, a channel's sum ``RangeCoding/total``.
    private var frequencies: [Int] = []

    init(_ term: inout StageTerm) throws {
        if term.flag("cachegen") {
            bins = nil
        } else {
            let bins = try term.requiredInteger("bins such as 16, or 'cachegen'")
            self.bins = try StageTerm.checked(bins, "bins", in: 4...256)
        }
    }

    var term: String { "\(Self.name)-\(bins.map { "\($0)" } ?? "cachegen")" }
    /// Before entropy coding; of CacheGen's in most layers.
    var bits: Double { Double(log(Float(2 * ((bins ?? 16) / 2 - 1) + 1)) / log(2)) }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .whole }
    var calibration: CalibrationNeed { .required }

    func prepared(for context: SchemeContext) -> EntropyCoder {
        var copy = self
        (copy.layer, copy.side) = (context.layer, context.side)
        return copy
    }

    private func steps(_ layer: Int, _ side: CacheSide) -> Int {
        let released = side == .key ? (layer < 10 ? 32 : 16) : layer < 2 ? 32 : 16
        return (bins ?? released) / 2 - 1
    }

    private static func scale(_ vector: ArraySlice<Float>) -> Float {
        let largest = vector.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : .nan }
        return MetadataFormat.float16.rounded(largest)
    }

    private static func symbol(_ x: Float, _ scale: Float, _ steps: Int) -> Int {
        guard scale > 0 else { return steps }
        let place = (x * Float(steps) / scale).rounded(.toNearestOrEven)
        return Int(max(-Float(steps), min(Float(steps), place.isNaN ? 0 : place))) + steps
    }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        let steps = steps(sample.layer, sample.side), symbols = 2 * steps + 1, width = x.heads * x.channels
        var counts = [Int](repeating: 0, count: width * symbols)
        for vector in 0..<x.vectors {
            let own = x.elements[vector * x.channels..<(vector + 1) * x.channels], scale = Self.scale(own)
            guard !scale.isNaN else { continue }
            let first = vector / x.tokens * x.channels
            for (channel, value) in own.enumerated() {
                counts[(first + channel) * symbols + Self.symbol(value, scale, steps)] += 1
            }
        }
        let frequencies = (0..<width).flatMap { channel in
            RangeCoding.frequencies(counts[channel * symbols..<(channel + 1) * symbols]).map { Float($0) }
        }
        return ["frequencies": CalibrationArray(shape: [width, symbols], values: frequencies)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> EntropyCoder {
        var copy = self
        let total = Int(RangeCoding.total)
        copy.frequencies = try arrays["frequencies"]?.integers(in: 1...total, scheme: term, "frequencies") ?? []
        return copy
    }

    private func tables(_ shape: BlockShape) throws -> (tables: [RangeCoding.Table], steps: Int) {
        let steps = steps(layer, side), symbols = 2 * steps + 1, width = shape.heads * shape.channels
        try checkCalibration(term, frequencies.count, width * symbols)
        let tables = (0..<width).map { channel in
            RangeCoding.Table(frequencies[channel * symbols..<(channel + 1) * symbols].map { UInt32($0) })
        }
        guard tables.allSatisfy({ $0.isWhole }) else {
            throw SchemeError.calibration(scheme: term, problem: "frequencies do not add to \(RangeCoding.total)")
        }
        return (tables, steps)
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let (tables, steps) = try tables(x.shape)
        var scales: [Float] = [], coder = RangeCoding.Encoder()
        for vector in 0..<x.vectors {
            let own = x.elements[vector * x.channels..<(vector + 1) * x.channels], scale = Self.scale(own)
            scales.append(scale)
            let first = vector / x.tokens * x.channels
            for (channel, value) in own.enumerated() {
                coder.write(Self.symbol(value, scale, steps), tables[first + channel])
            }
        }
        return [PackedTensor.Section("scales", scales), .init(name: "stream", bytes: coder.finish())]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let (tables, steps) = try tables(shape)
        let scales = try reader.floats("scales", count: shape.heads * shape.tokens)
        var decoder = RangeCoding.Decoder(try reader.next("stream"))
        var x = FloatBlock(zeros: shape)
        for vector in 0..<x.vectors {
            let first = vector / shape.tokens * shape.channels, step = scales[vector] / Float(steps)
            for channel in 0..<shape.channels {
                guard let symbol = decoder.read(tables[first + channel]) else {
                    throw reader.malformed("the stream ends before the last token")
                }
                x.elements[vector * shape.channels + channel] = Float(symbol - steps) * step
            }
        }
        guard decoder.isAtEnd else { throw reader.malformed("the stream goes on after the last token") }
        return x
    }
}
