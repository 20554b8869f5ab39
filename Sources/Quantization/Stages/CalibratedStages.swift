import Foundation
import Kernels
import TensorCore

/// Divides key channels by `λ = max|K|^α` of a calibration text, the two channels of a RoPE pair by one.
///
/// Queries are multiplied alike; both fold into the weights, so that it costs no bits.
/// Source: Lin et al., QServe, MLSys 2025: SmoothAttention, α = 0.5.
struct SmoothStage: TransformStage {
    static let name = "smooth"
    static let grammar = "smooth-ALPHA"
    static let summary = "channels by a power of their largest magnitude in a calibration text"

    private let alpha: Double
    private var factors: [Float] = []

    init(_ term: inout StageTerm) throws {
        let alpha = try term.requiredDecimal("an exponent such as 0.5")
        self.alpha = try StageTerm.checked(alpha, "alpha", above: 0, to: 1)
    }

    var term: String { "\(Self.name)-\(StageTerm.written(alpha))" }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        var largest = [Float](repeating: 0, count: x.heads * x.channels), copy = x
        copy.forEachVector { place, vector in
            let first = place / max(1, x.tokens) * x.channels
            for i in vector.indices where vector[i].isFinite {
                largest[first + i] = max(largest[first + i], abs(vector[i]))
            }
        }
        let half = x.channels / 2
        let factors = largest.indices.map { index -> Float in
            let channel = index % x.channels, pair = channel < half ? index + half : index - half
            let both = x.channels.isMultiple(of: 2) ? max(largest[index], largest[pair]) : largest[index]
            return both > 0 ? Float(pow(Double(both), alpha)) : 1
        }
        return ["factors": CalibrationArray(shape: [x.heads, x.channels], values: factors)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> SmoothStage {
        var copy = self
        copy.factors = try arrays["factors"]?.finite(scheme: term, "factors") ?? []
        return copy
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, factors.map { 1 / $0 }) }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, factors) }

    private func multiply(_ x: inout FloatBlock, _ factors: [Float]) throws {
        try checkCalibration(term, factors.count, x.heads * x.channels)
        let (tokens, channels) = (x.tokens, x.channels)
        x.forEachVector { place, vector in
            let first = place / tokens * channels
            for i in vector.indices { vector[i] *= factors[first + i] }
        }
    }
}

/// Channels in the order of their mean magnitude in a calibration text, so that neighbours are alike.
///
/// Source: Su et al., RotateKV, IJCAI 2025: outlier-aware channel permutation before its grouped-head rotation.
struct ReorderStage: TransformStage {
    static let name = "reorder"
    static let grammar = "reorder"
    static let summary = "channels in the order of their mean magnitude in a calibration text"

    private var order: [Int] = []

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        var sums = [Double](repeating: 0, count: x.heads * x.channels), copy = x
        copy.forEachVector { place, vector in
            let first = place / max(1, x.tokens) * x.channels
            for i in vector.indices where vector[i].isFinite { sums[first + i] += Double(abs(vector[i])) }
        }
        let order = (0..<x.heads).flatMap { head -> [Float] in
            let first = head * x.channels
            return (0..<x.channels).sorted { (-sums[first + $0], $0) < (-sums[first + $1], $1) }.map { Float($0) }
        }
        return ["order": CalibrationArray(shape: [x.heads, x.channels], values: order)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> ReorderStage {
        var copy = self
        copy.order = try arrays["order"]?.integers(in: 0...65535, scheme: term, "order") ?? []
        return copy
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws {
        try permute(&x) { source, target, place, channel in target[channel] = source[place] }
    }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws {
        try permute(&x) { source, target, place, channel in target[place] = source[channel] }
    }

    private func permute(
        _ x: inout FloatBlock,
        _ move: ([Float], UnsafeMutableBufferPointer<Float>, Int, Int) -> Void
    ) throws {
        try checkCalibration(term, order.count, x.heads * x.channels)
        let (tokens, channels) = (x.tokens, x.channels)
        for head in 0..<x.heads {
            guard Set(order[head * channels..<(head + 1) * channels]) == Set(0..<channels) else {
                throw SchemeError.calibration(
                    scheme: term,
                    problem: "head \(head)'s order is none of \(channels) channels"
                )
            }
        }
        x.forEachVector { place, vector in
            let source = Array(vector), first = place / tokens * channels
            for channel in 0..<channels { move(source, vector, order[first + channel], channel) }
        }
    }
}

/// The rotation `U·H·P` of a calibration text: eigenvectors, Hadamard, and a permutation by bit-reversed rank.
///
/// Keys: eigenvectors of the queries' covariance, so that error goes where queries do not look; values: of the values'
/// own, each token weighted by how large its scores are. Pooled over heads of a layer; folds into weights and queries,
/// so that it costs no bits. Source: OSCAR, arXiv 2605.17757 (schemes.md §1.15).
struct OscarRotationStage: TransformStage {
    static let name = "oscar"
    static let grammar = "oscar"
    static let summary = "a rotation learnt from the covariance of queries, or of values"

    /// `[channel][rotated]`
    private var rotation: [Float] = []

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        guard let queries = sample.queries else { throw SchemeError.needsQueries(scheme: term) }
        let channels = x.channels
        guard channels > 0, channels & (channels - 1) == 0 else {
            throw SchemeError.shape(scheme: term, problem: "\(channels) channels", expected: "a power of two")
        }
        guard queries.channels == channels, x.heads > 0, queries.heads.isMultiple(of: x.heads) else {
            throw SchemeError.shape(
                scheme: term,
                problem: "\(x.heads) heads of \(channels) channels do not meet queries of \(queries.channels)",
                expected: "keys and values as they are, not joined"
            )
        }
        let group = queries.heads / x.heads
        var covariance = [Double](repeating: 0, count: channels * channels)
        for head in 0..<x.heads {
            let rows = (head * group * queries.tokens)..<((head + 1) * group * queries.tokens)
            let ofQueries = Covariance.of(queries, rows: rows, weights: nil)
            let own: [Double]
            if sample.side == .key {
                own = ofQueries
            } else {
                let weights = scoreWeights(sample.keys, head: head, ofQueries)
                own = Covariance.of(x, rows: head * x.tokens..<(head + 1) * x.tokens, weights: weights)
            }
            for index in covariance.indices { covariance[index] += own[index] / Double(x.heads) }
        }
        guard let vectors = LinearAlgebra.symmetricEigen(covariance, size: channels)?.vectors else {
            throw SchemeError.calibration(scheme: term, problem: "the calibration text has numbers that are not finite")
        }
        var product = [Float](repeating: 0, count: channels * channels)
        for channel in 0..<channels {
            for rank in 0..<channels { product[channel * channels + rank] = Float(vectors[rank][channel]) }
        }
        product.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Hadamard.transform(base, rows: channels, length: channels)
        }
        // Of U·H the i-th column goes to the bit-reversed place of i.
        let rotation = product.indices.map { index in
            product[index / channels * channels + Self.reversed(index % channels, channels)]
        }
        return ["rotation": CalibrationArray(shape: [channels, channels], values: rotation)]
    }

    /// `k_t (QᵀQ/n) k_tᵀ`, with a mean of 1.
    private func scoreWeights(_ keys: FloatBlock, head: Int, _ covariance: [Double]) -> [Double] {
        let channels = keys.channels
        let raw = (0..<keys.tokens).map { token -> Double in
            let first = (head * keys.tokens + token) * channels
            var sum = 0.0
            for i in 0..<channels {
                var row = 0.0
                for j in 0..<channels { row += covariance[i * channels + j] * Double(keys.elements[first + j]) }
                sum += row * Double(keys.elements[first + i])
            }
            return sum
        }
        let mean = raw.reduce(0, +) / Double(max(1, raw.count))
        return mean > 0 ? raw.map { $0 / mean } : raw.map { _ in 1 }
    }

    private static func reversed(_ index: Int, _ count: Int) -> Int {
        var result = 0, rest = index, place = count >> 1
        while place > 0 {
            if rest & 1 == 1 { result |= place }
            (rest, place) = (rest >> 1, place >> 1)
        }
        return result
    }

    func calibrated(by arrays: CalibrationArrays) throws -> OscarRotationStage {
        var copy = self
        copy.rotation = try arrays["rotation"]?.finite(scheme: term, "rotation") ?? []
        return copy
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, transposed: false) }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, transposed: true) }

    private func multiply(_ x: inout FloatBlock, transposed: Bool) throws {
        let channels = x.channels, source = x.elements, vectors = x.vectors
        try checkCalibration(term, rotation.count, channels * channels)
        x.elements.withUnsafeMutableBufferPointer { target in
            source.withUnsafeBufferPointer { source in
                rotation.withUnsafeBufferPointer { rotation in
                    guard let a = source.baseAddress, let b = rotation.baseAddress, let c = target.baseAddress else {
                        return
                    }
                    DenseMatrix.multiply(
                        rows: vectors,
                        columns: channels,
                        inner: channels,
                        a,
                        stride: channels,
                        b,
                        stride: channels,
                        transposed: transposed,
                        into: c,
                        stride: channels
                    )
                }
            }
        }
    }
}

/// - Throws: `SchemeError` if nothing was learnt, or of a block of other sizes.
func checkCalibration(_ scheme: String, _ count: Int, _ expected: Int) throws {
    guard count > 0 || expected == 0 else { throw SchemeError.notCalibrated(scheme: scheme) }
    guard count == expected else {
        throw SchemeError.calibration(
            scheme: scheme,
            problem: "\(count) numbers were learnt where this model has \(expected)"
        )
    }
}

/// Second moments of the rows of a block.
enum Covariance {
    /// `Σ w·xᵀx / n` of some vectors, `[channel, channel]`, in double. Vectors that are not finite are left out.
    static func of(_ x: FloatBlock, rows: Range<Int>, weights: [Double]?) -> [Double] {
        let channels = x.channels
        var plain: [Double] = [], weighted: [Double] = [], count = 0
        plain.reserveCapacity(rows.count * channels)
        for (place, row) in rows.enumerated() {
            let vector = x.elements[row * channels..<(row + 1) * channels]
            guard vector.allSatisfy({ $0.isFinite }) else { continue }
            count += 1
            plain += vector.map { Double($0) }
            if let weight = weights?[place] { weighted += vector.map { weight * Double($0) } }
        }
        guard count > 0 else { return [Double](repeating: 0, count: channels * channels) }
        let sums = LinearAlgebra.transposedProduct(weights == nil ? plain : weighted, plain, rows: count)
        return sums.map { $0 / Double(count) }
    }
}
