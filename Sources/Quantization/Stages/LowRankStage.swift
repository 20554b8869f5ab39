import Kernels
import TensorCore

/// Adds a matrix of low rank to what the rest gives back: for each head the best few directions of its error.
///
/// E ≈ P·Qᵀ by power iteration from a fixed random start, orthogonalized in each pass; P `[token, r]` and Q
/// `[channel, r]` in float16. Source: Kang et al., GEAR, 2024, Algorithm 1 and its low-rank step.
struct LowRankStage: PipelineStage {
    static let name = "lowrank"
    static let grammar = "lowrank-R"
    static let summary = "the error's largest directions of each head stored beside the codes"

    private let rank: Int
    private static let passes = 4

    init(_ term: inout StageTerm) throws {
        rank = try StageTerm.checked(term.requiredInteger("a rank such as 4"), "rank", in: 1...64)
    }

    var term: String { "\(Self.name)-\(rank)" }

    private func rank(_ shape: BlockShape) -> Int { min(rank, shape.tokens, shape.channels) }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        let (sections, decoded) = try rest.roundTrip(x)
        let count = rank(x.shape), headElements = x.tokens * x.channels
        var left: [Float] = [], right: [Float] = []
        for head in 0..<x.heads {
            let range = head * headElements..<(head + 1) * headElements
            var error = zip(x.elements[range], decoded.elements[range]).map { $0 - $1 }
            // A NaN spoils its group; the head's factors must stay clean.
            for index in error.indices where !error[index].isFinite { error[index] = 0 }
            let (p, q) = Self.factors(error, rows: x.tokens, columns: x.channels, rank: count)
            left += p
            right += q
        }
        return [PackedTensor.Section("left", left), PackedTensor.Section("right", right)] + sections
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        let count = rank(shape)
        let left = try reader.floats("left", count: shape.heads * shape.tokens * count)
        let right = try reader.floats("right", count: shape.heads * shape.channels * count)
        var x = try rest.decode(&reader, shape)
        for head in 0..<shape.heads {
            x.elements.withUnsafeMutableBufferPointer { target in
                left.withUnsafeBufferPointer { left in
                    right.withUnsafeBufferPointer { right in
                        guard let c = target.baseAddress, let a = left.baseAddress, let b = right.baseAddress else {
                            return
                        }
                        DenseMatrix.multiply(
                            rows: shape.tokens,
                            columns: shape.channels,
                            inner: count,
                            a + head * shape.tokens * count,
                            stride: count,
                            b + head * shape.channels * count,
                            stride: count,
                            transposed: true,
                            beta: 1,
                            into: c + head * shape.tokens * shape.channels,
                            stride: shape.channels
                        )
                    }
                }
            }
        }
        return x
    }

    /// P `[row, rank]` and Q `[column, rank]` with P·Qᵀ near a matrix.
    static func factors(_ e: [Float], rows: Int, columns: Int, rank: Int) -> (left: [Float], right: [Float]) {
        var random = SeededGenerator(seed: 1)
        var q = (0..<rank).map { _ in (0..<columns).map { _ in random.nextGaussian() } }, p: [[Double]] = []
        for _ in 0..<passes {
            orthogonalize(&q)
            p = q.map { vector in
                (0..<rows).map { row in
                    (0..<columns).reduce(0.0) { $0 + Double(e[row * columns + $1]) * vector[$1] }
                }
            }
            orthogonalize(&p)
            q = p.map { vector in
                var sums = [Double](repeating: 0, count: columns)
                for row in 0..<rows {
                    for column in 0..<columns { sums[column] += Double(e[row * columns + column]) * vector[row] }
                }
                return sums
            }
        }
        // The singular value on both, so that neither leaves float16.
        for index in q.indices {
            let root = q[index].reduce(0.0) { $0 + $1 * $1 }.squareRoot().squareRoot()
            guard root > 0 else { continue }
            for i in q[index].indices { q[index][i] /= root }
            for i in p[index].indices { p[index][i] *= root }
        }
        func interleaved(_ vectors: [[Double]], _ count: Int) -> [Float] {
            (0..<count).flatMap { index in vectors.map { MetadataFormat.float16.rounded(Float($0[index])) } }
        }
        return (interleaved(p, rows), interleaved(q, columns))
    }

    /// Gram and Schmidt's, twice for precision; a vector that vanishes stays zero.
    static func orthogonalize(_ vectors: inout [[Double]]) {
        for index in vectors.indices {
            for _ in 0..<2 {
                for earlier in 0..<index {
                    let product = zip(vectors[index], vectors[earlier]).reduce(0.0) { $0 + $1.0 * $1.1 }
                    for i in vectors[index].indices { vectors[index][i] -= product * vectors[earlier][i] }
                }
            }
            let norm = vectors[index].reduce(0.0) { $0 + $1 * $1 }.squareRoot()
            let factor = norm > 1e-30 ? 1 / norm : 0
            for i in vectors[index].indices { vectors[index][i] *= factor }
        }
    }
}
