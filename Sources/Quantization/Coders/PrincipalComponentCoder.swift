import Foundation
import Kernels

/// A layer's vector in its principal components, with bits where the variance is, entropy coded.
///
/// `y = (x − μ)V` with μ and V of a calibration text; components in groups of 16 with 0, 2, 4 or 8 bits each, so many as
/// the budget allows and as lower Σ variance·4^(−bits) most; a token's group has a float16 scale. Codes go through a
/// range coder, whose measured bytes count. Source: KVTC, arXiv 2511.01815: there one basis serves all layers, groups
/// grow with their rank, elements are also FP8, and DEFLATE codes them; here a layer has its own basis.
struct PrincipalComponentCoder: BlockCoder {
    static let name = "components"
    static let grammar = "components-BITS"
    static let summary = "principal components with bits by their variance, entropy coded"

    private static let width = 16
    private static let choices = [0, 2, 4, 8]

    /// Average bits of a channel before entropy coding, scales included.
    private let budget: Double
    private var mean: [Float] = []
    /// `[component][channel]`
    private var basis: [Float] = []
    /// Of each group of components.
    private var groupBits: [Int] = []
    /// `[group][symbol of 8 bits]`
    private var frequencies: [Int] = []

    init(_ term: inout StageTerm) throws {
        budget = try StageTerm.checked(term.requiredDecimal("bits such as 1"), "bits", above: 0, to: 8)
    }

    var term: String { "\(Self.name)-\(StageTerm.written(budget))" }
    var bits: Double { budget }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(Self.width) }
    var calibration: CalibrationNeed { .required }

    private static func groups(_ width: Int) -> [Range<Int>] {
        stride(from: 0, to: width, by: Self.width).map { $0..<min($0 + Self.width, width) }
    }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        let n = x.heads * x.channels, rows = x.joined().elements
        var mean = [Double](repeating: 0, count: n), count = 0
        for token in 0..<x.tokens {
            let row = rows[token * n..<(token + 1) * n]
            guard row.allSatisfy({ $0.isFinite }) else { continue }
            count += 1
            for (channel, value) in row.enumerated() { mean[channel] += Double(value) }
        }
        for channel in mean.indices { mean[channel] /= Double(max(1, count)) }
        let centered = FloatBlock(
            heads: 1,
            tokens: x.tokens,
            channels: n,
            elements: rows.enumerated().map { Float(Double($1) - mean[$0 % n]) }
        )
        let covariance = Covariance.of(centered, rows: 0..<x.tokens, weights: nil)
        guard let (variances, vectors) = LinearAlgebra.symmetricEigen(covariance, size: n) else {
            throw SchemeError.calibration(scheme: term, problem: "the calibration text has numbers that are not finite")
        }
        var copy = self
        copy.mean = mean.map { Float($0) }
        copy.basis = vectors.flatMap { $0.map { Float($0) } }
        copy.groupBits = allocate(variances)
        var counts = [Int](repeating: 0, count: copy.groupBits.count * 256)
        for (group, codes) in copy.codes(x).codes.enumerated() {
            for code in codes { counts[group * 256 + Int(code)] += 1 }
        }
        let frequencies = copy.groupBits.indices.flatMap { group in
            RangeCoding.frequencies(counts[group * 256..<group * 256 + Self.symbols(copy.groupBits[group])])
                .map { Float($0) }
        }
        return [
            "mean": CalibrationArray(shape: [n], values: copy.mean),
            "basis": CalibrationArray(shape: [n, n], values: copy.basis),
            "bits": CalibrationArray(shape: [copy.groupBits.count], values: copy.groupBits.map { Float($0) }),
            "frequencies": CalibrationArray(shape: [frequencies.count], values: frequencies),
        ]
    }

    private static func symbols(_ bits: Int) -> Int { bits == 0 ? 1 : (1 << bits) - 1 }

    /// Bits of each group: the upgrade that lowers the error most for its bits, until the budget is spent.
    private func allocate(_ variances: [Double]) -> [Int] {
        let groups = Self.groups(variances.count)
        var bits = [Int](repeating: 0, count: groups.count), rest = budget * Double(variances.count)
        func error(_ group: Int, _ bits: Int) -> Double {
            groups[group].reduce(0.0) { $0 + max(0, variances[$1]) } * pow(4, -Double(bits))
        }
        func cost(_ group: Int, _ bits: Int) -> Double { bits == 0 ? 0 : Double(bits * groups[group].count + 16) }
        while true {
            var best: (group: Int, bits: Int, gain: Double)?
            for group in groups.indices {
                for more in Self.choices where more > bits[group] {
                    let extra = cost(group, more) - cost(group, bits[group])
                    guard extra <= rest else { continue }
                    let gain = (error(group, bits[group]) - error(group, more)) / extra
                    if gain > best?.gain ?? 0 { best = (group, more, gain) }
                }
            }
            guard let best else { return bits }
            rest -= cost(best.group, best.bits) - cost(best.group, bits[best.group])
            bits[best.group] = best.bits
        }
    }

    func calibrated(by arrays: CalibrationArrays) throws -> PrincipalComponentCoder {
        var copy = self
        copy.mean = try arrays["mean"]?.finite(scheme: term, "mean") ?? []
        copy.basis = try arrays["basis"]?.finite(scheme: term, "basis") ?? []
        copy.groupBits = try arrays["bits"]?.integers(in: 0...8, scheme: term, "bits") ?? []
        let total = Int(RangeCoding.total)
        copy.frequencies = try arrays["frequencies"]?.integers(in: 1...total, scheme: term, "frequencies") ?? []
        return copy
    }

    /// Codes of each group, and scales `[token][group that has bits]`.
    private func codes(_ x: FloatBlock) -> (codes: [[UInt16]], scales: [Float]) {
        let n = x.heads * x.channels, groups = Self.groups(n)
        let rows = x.joined().elements.enumerated().map { $1 - mean[$0 % n] }
        var components = [Float](repeating: 0, count: rows.count)
        DenseMatrix.multiply(
            rows: x.tokens,
            columns: n,
            inner: n,
            rows,
            stride: n,
            basis,
            stride: n,
            transposed: true,
            into: &components,
            stride: n
        )
        var codes = [[UInt16]](repeating: [], count: groups.count), scales: [Float] = []
        for token in 0..<x.tokens {
            for (group, range) in groups.enumerated() where groupBits[group] > 0 {
                let own = range.map { components[token * n + $0] }, top = Float(Self.symbols(groupBits[group]) / 2)
                let largest = own.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : .nan }
                let scale = MetadataFormat.float16.rounded(largest / top)
                scales.append(scale)
                codes[group] += own.map { value in
                    let place = scale > 0 ? (value / scale).rounded(.toNearestOrEven) : 0
                    return UInt16(max(-top, min(top, place)) + top)
                }
            }
        }
        return (codes, scales)
    }

    private func tables(_ shape: BlockShape) throws -> [RangeCoding.Table] {
        let n = shape.heads * shape.channels
        try checkCalibration(term, mean.count, n)
        try checkCalibration(term, basis.count, n * n)
        try checkCalibration(term, groupBits.count, Self.groups(n).count)
        try checkCalibration(term, frequencies.count, groupBits.reduce(0) { $0 + Self.symbols($1) })
        var place = 0
        let tables = groupBits.map { bits -> RangeCoding.Table in
            defer { place += Self.symbols(bits) }
            return RangeCoding.Table(frequencies[place..<place + Self.symbols(bits)].map { UInt32($0) })
        }
        guard tables.allSatisfy({ $0.isWhole }) else {
            throw SchemeError.calibration(scheme: term, problem: "frequencies do not add to \(RangeCoding.total)")
        }
        return tables
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let tables = try tables(x.shape), (codes, scales) = codes(x)
        var coder = RangeCoding.Encoder()
        for (group, codes) in codes.enumerated() { for code in codes { coder.write(Int(code), tables[group]) } }
        return [PackedTensor.Section("scales", scales), .init(name: "stream", bytes: coder.finish())]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let tables = try tables(shape), n = shape.heads * shape.channels, groups = Self.groups(n)
        let coded = groups.indices.filter { groupBits[$0] > 0 }
        let scales = try reader.floats("scales", count: shape.tokens * coded.count)
        var decoder = RangeCoding.Decoder(try reader.next("stream"))
        var components = [Float](repeating: 0, count: shape.tokens * n)
        for (place, group) in coded.enumerated() {
            let top = Self.symbols(groupBits[group]) / 2
            for token in 0..<shape.tokens {
                for component in groups[group] {
                    guard let symbol = decoder.read(tables[group]) else {
                        throw reader.malformed("the stream ends before the last token")
                    }
                    components[token * n + component] = Float(symbol - top) * scales[token * coded.count + place]
                }
            }
        }
        guard decoder.isAtEnd else { throw reader.malformed("the stream goes on after the last token") }
        var rows = [Float](repeating: 0, count: shape.tokens * n)
        DenseMatrix.multiply(
            rows: shape.tokens,
            columns: n,
            inner: n,
            components,
            stride: n,
            basis,
            stride: n,
            into: &rows,
            stride: n
        )
        let elements = rows.enumerated().map { $1 + mean[$0 % n] }
        return FloatBlock(heads: 1, tokens: shape.tokens, channels: n, elements: elements).separated(into: shape)
    }
}
