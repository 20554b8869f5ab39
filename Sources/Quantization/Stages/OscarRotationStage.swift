import Kernels

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
