import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct HadamardTests {
    private static let sizes = (0...12).map { 1 << $0 }

    /// Sylvester's matrix times x over √n, in float64.
    private func definition(_ x: [Float]) -> [Double] {
        x.indices.map { row in
            let sum = x.indices.reduce(0.0) { sum, column in
                (row & column).nonzeroBitCount.isMultiple(of: 2) ? sum + Double(x[column]) : sum - Double(x[column])
            }
            return sum / Double(x.count).squareRoot()
        }
    }

    @Test(arguments: Implementation.all)
    func everyImplementationEqualsTheReferenceInEveryBit(_ implementation: Implementation) {
        for length in Self.sizes {
            for rows in [0, 1, 3] {
                for kind in SampleKind.allCases {
                    let x = kind.values(rows * length + 8, seed: 51)
                    var fast = x, reference = x
                    implementation.kernels.pointee.walsh_hadamard(&fast, rows, length)
                    Implementation.reference.pointee.walsh_hadamard(&reference, rows, length)
                    #expect(identical(fast, reference), "\(kind), \(rows) × \(length)")
                    let rest = rows * length
                    #expect(identical(Array(fast[rest...]), Array(x[rest...])), "\(kind), \(rows) × \(length)")
                }
            }
        }
    }

    @Test func transformEqualsItsDefinitionWithinTheStatedError() {
        for length in Self.sizes where length <= 1024 {
            for kind in SampleKind.allCases where kind.isFinite {
                let x = kind.values(length, seed: 52), expected = definition(x)
                var y = x
                Hadamard.transform(&y, rows: 1, length: length)
                let magnitude = x.reduce(0) { $0 + Double(abs($1)) } / Double(length).squareRoot()
                let stages = Double(length.trailingZeroBitCount)
                // Results below 2⁻¹²⁶ round to multiples of 2⁻¹⁴⁹.
                let bound = (stages + 2) * unit * magnitude + 0x1p-149
                for (got, wanted) in zip(y, expected) {
                    #expect(abs(Double(got) - wanted) <= bound, "\(kind), \(length)")
                }
            }
        }
    }

    @Test func twiceGivesTheElementsBackAndProductsAreKept() {
        for seed in UInt64(1)...20 {
            let length = 128
            let q = SampleKind.outlier.values(length, seed: seed),
                k = SampleKind.gaussian.values(length, seed: seed + 50)
            var turnedQuery = q, turnedKey = k
            Hadamard.transform(&turnedQuery, rows: 1, length: length)
            Hadamard.transform(&turnedKey, rows: 1, length: length)
            let before = zip(q, k).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let after = zip(turnedQuery, turnedKey).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let norms = [q, k].map { $0.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
            #expect(abs(before - after) <= 1e-6 * norms[0] * norms[1], "seed \(seed)")
            // An outlier of 3000 is spread to 3000 / √128 in every channel.
            #expect(VectorMath.absoluteMaximum(turnedQuery, count: length) < 280, "seed \(seed)")
            Hadamard.transform(&turnedQuery, rows: 1, length: length)
            for (got, wanted) in zip(turnedQuery, q) { #expect(abs(got - wanted) <= 2e-6 * 3000, "seed \(seed)") }
        }
    }

    @Test func columnsOfTheTransformAreOrthonormal() {
        let length = 64
        var rows = (0..<length * length).map { Float($0 / length == $0 % length ? 1 : 0) }
        Hadamard.transform(&rows, rows: length, length: length)
        for a in 0..<length {
            for b in 0..<length {
                let product = (0..<length).reduce(0.0) {
                    $0 + Double(rows[a * length + $1]) * Double(rows[b * length + $1])
                }
                #expect(product == (a == b ? 1 : 0))
            }
        }
    }

    @Test func anyNumberOfThreadsGivesTheSameBits() {
        let x = SampleKind.gaussian.values(1000 * 128, seed: 53)
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        var alone = x, together = x
        Parallel.threadCount = 1
        Hadamard.transform(&alone, rows: 1000, length: 128)
        Parallel.threadCount = 3
        Hadamard.transform(&together, rows: 1000, length: 128)
        #expect(identical(alone, together))
    }
}
