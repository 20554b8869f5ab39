import Kernels

/// C neighbouring channels as one of 2^B vectors that were learnt for them.
///
/// k-means a group of channels on a calibration text, with all elements alike; `query` weighs a channel by the mean
/// square of the queries there, where the paper has gradients. No code stands for what is not finite: it counts as zero.
/// Source: Zhang et al., KV Cache is 1 Bit Per Channel
/// (Coupled Quantization), NeurIPS 2024.
struct CoupledCoder: BlockCoder {
    static let name = "coupled"
    static let grammar = "coupled-CcBb[-query]"
    static let summary = "neighbouring channels as one of the vectors learnt for them"

    private static let calibrationTokens = 2048
    private let width: Int
    private let codeBits: Int
    private let weighsQueries: Bool
    /// `[kv_head, group, code, channel]`
    private var codebooks: [Float] = []

    init(_ term: inout StageTerm) throws {
        let word = try term.word("channels and bits such as 4c8b")
        let parts = word.split(separator: "c", omittingEmptySubsequences: false)
        guard parts.count == 2, let width = number(parts[0], after: ""), parts[1].hasSuffix("b"),
            let bits = number(parts[1].dropLast(), after: "")
        else {
            throw SchemeError.parameter(name: "'\(word)'", value: "no channels and bits", expected: "such as 4c8b")
        }
        self.width = try StageTerm.checked(width, "channels", in: 1...16)
        codeBits = try StageTerm.checked(bits, "bits", in: 1...12)
        weighsQueries = term.flag("query")
    }

    var term: String { "\(Self.name)-\(width)c\(codeBits)b" + (weighsQueries ? "-query" : "") }
    var bits: Double { Double(codeBits) / Double(width) }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }
    var calibration: CalibrationNeed { .required }

    private func groups(_ shape: BlockShape) throws -> Int {
        _ = try shape.vectors(of: width, scheme: term)
        return shape.channels / width
    }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        let groups = try groups(x.shape), count = 1 << codeBits
        let roots = try weighsQueries ? QueryWeights.roots(x, sample, scheme: term) : []
        var books = [Float](repeating: 0, count: x.heads * groups * count * width)
        books.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let target = buffer
            Parallel.forEach(x.heads * groups) { item in
                let head = item / groups, first = item % groups * width
                var points: [Float] = []
                // Evenly spaced over the text; more of them move codebooks of 256 little.
                let step = max(1, x.tokens / Self.calibrationTokens)
                for token in stride(from: 0, to: x.tokens, by: step) {
                    let place = (head * x.tokens + token) * x.channels + first
                    let vector = x.elements[place..<place + width]
                    guard vector.allSatisfy({ $0.isFinite }) else { continue }
                    points += vector.enumerated().map { channel, value in
                        roots.isEmpty ? value : value * roots[head * x.channels + first + channel]
                    }
                }
                let centroids = KMeans.run(points, dimensions: width, count: count, iterations: 12).centroids
                for (index, value) in centroids.enumerated() {
                    let root = roots.isEmpty ? 1 : roots[head * x.channels + first + index % width]
                    target[item * count * width + index] = value / root
                }
                // Codes that no vector of a short text has found stand for the first.
                for index in centroids.count..<count * width where !centroids.isEmpty {
                    target[item * count * width + index] = target[item * count * width + index % width]
                }
            }
        }
        return ["codebooks": CalibrationArray(shape: [x.heads, groups, count, width], values: books)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> CoupledCoder {
        var copy = self
        copy.codebooks = try arrays["codebooks"]?.finite(scheme: term, "codebooks") ?? []
        return copy
    }

    private func checked(_ shape: BlockShape) throws -> (groups: Int, size: Int) {
        let groups = try groups(shape), size = (1 << codeBits) * width
        try checkCalibration(term, codebooks.count, shape.heads * groups * size)
        return (groups, size)
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let (groups, size) = try checked(x.shape)
        var codes: [UInt16] = []
        codes.reserveCapacity(x.vectors * groups)
        let books = (0..<x.heads * groups).map { Array(codebooks[$0 * size..<($0 + 1) * size]) }
        for item in 0..<x.heads * groups {
            let (head, first) = (item / groups, item % groups * width)
            let points = (0..<x.tokens).flatMap { token -> ArraySlice<Float> in
                let place = (head * x.tokens + token) * x.channels + first
                return x.elements[place..<place + width]
            }
            var labels = [Int32](repeating: 0, count: x.tokens)
            NearestPoints.find(points.map { $0.isFinite ? $0 : 0 }, width, books[item], into: &labels)
            codes += labels.map { UInt16($0) }
        }
        return [PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: codeBits))]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let (groups, size) = try checked(shape), count = shape.heads * shape.tokens * groups
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: codeBits))
        let codes = BitPacking.unpack(bytes, count: count, bits: codeBits)
        var x = FloatBlock(zeros: shape)
        for (index, code) in codes.enumerated() {
            let (item, token) = index.quotientAndRemainder(dividingBy: shape.tokens)
            let (head, group) = item.quotientAndRemainder(dividingBy: groups)
            let place = (head * shape.tokens + token) * shape.channels + group * width
            let entry = item * size + Int(code) * width
            for channel in 0..<width { x.elements[place + channel] = codebooks[entry + channel] }
        }
        return x
    }
}

/// How much queries see of each channel of keys.
enum QueryWeights {
    /// Roots of the queries' mean squares, `[kv_head, channel]`, none zero.
    /// - Throws: `SchemeError.needsQueries` without any, `SchemeError.parameter` for values, which queries do not meet.
    static func roots(_ x: FloatBlock, _ sample: CalibrationSample, scheme: String) throws -> [Float] {
        guard let queries = sample.queries else { throw SchemeError.needsQueries(scheme: scheme) }
        guard sample.side == .key, x.heads * x.channels == sample.keys.heads * queries.channels else {
            throw SchemeError.parameter(
                name: "'query'",
                value: "given for values",
                expected: "keys, which queries meet"
            )
        }
        let rowsPerHead = queries.heads * queries.tokens / sample.keys.heads
        var squares = [Double](repeating: 0, count: sample.keys.heads * queries.channels), copy = queries
        copy.forEachVector { place, vector in
            let first = place / rowsPerHead * queries.channels
            for i in vector.indices where vector[i].isFinite {
                squares[first + i] += Double(vector[i]) * Double(vector[i])
            }
        }
        // An error before RoPE is turned over both channels of its pair by angles of all sizes.
        if sample.ropeSide == .before, queries.channels.isMultiple(of: 2) {
            let half = queries.channels / 2
            for index in squares.indices where index % queries.channels < half {
                let mean = (squares[index] + squares[index + half]) / 2
                (squares[index], squares[index + half]) = (mean, mean)
            }
        }
        return squares.map { Float(max(1e-12, $0 / Double(max(1, rowsPerHead))).squareRoot()) }
    }
}
