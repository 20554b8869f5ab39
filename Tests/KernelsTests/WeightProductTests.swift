import CKernels
import Kernels
import TensorCore
import Testing

/// `kva_gemv` of each implementation against dequantized weights in double precision.
@Suite struct WeightProductTests {
    private struct Prepared {
        let digits: [Int8]
        let floats: [Float]

        init(_ implementation: UnsafePointer<kva_kernels>, _ x: [Float]) {
            let vector = Block(x), bytes = kva_prepared_bytes(x.count), padded = bytes / 7 * 2
            let base = UnsafeMutableRawPointer.allocate(byteCount: max(64, bytes), alignment: 64)
            defer { base.deallocate() }
            implementation.pointee.prepare_vector(vector.base, base.assumingMemoryBound(to: UInt8.self), x.count)
            digits = (0..<3 * padded).map { base.load(fromByteOffset: $0, as: Int8.self) }
            floats = (0..<padded / 8).map { base.load(fromByteOffset: 3 * padded + 4 * $0, as: Float.self) }
        }

        /// The layout as CKernels.h tells it.
        func value(_ i: Int) -> Double {
            let block = i / 32, place = block / 4 * 384 + i % 32 / 16 * 64 + block % 4 * 16 + i % 16
            let digit = (0..<3).map { Int(digits[place + 128 * $0]) }
            return Double(digit[0] << 14 + digit[1] << 7 + digit[2]) * Double(scale(block))
        }

        func scale(_ block: Int) -> Float { floats[2 * (block / 4 * 4 + [0, 2, 1, 3][block % 4])] }
        func sum(_ block: Int) -> Float { floats[2 * (block / 4 * 4 + [0, 2, 1, 3][block % 4]) + 1] }
        func halfSum(_ half: Int) -> Float { floats[floats.count / 2 + half] }
    }

    private static func products(
        _ kernels: UnsafePointer<kva_kernels>,
        _ type: ElementType,
        _ weights: Block<UInt8>,
        rows: Int,
        columns: Int,
        tokens: Int,
        _ x: [Float]
    ) throws -> [Float] {
        let vectors = Block(x), result = Block([Float](repeating: -1, count: rows * tokens))
        let bytes = kva_prepared_bytes(columns)
        let prepared = UnsafeMutableRawPointer.allocate(byteCount: max(64, tokens * bytes), alignment: 64)
            .assumingMemoryBound(to: UInt8.self)
        defer { prepared.deallocate() }
        for token in 0..<tokens {
            kernels.pointee.prepare_vector(vectors.base + token * columns, prepared + token * bytes, columns)
        }
        var work = kva_gemv(
            weights: weights.base,
            row_bytes: try #require(type.byteCount(elements: columns)),
            rows: rows,
            columns: columns,
            tokens: tokens,
            vectors: vectors.base,
            prepared: prepared,
            result: result.base,
            result_stride: rows
        )
        kernels.pointee.gemv(try #require(identifiers[type]), &work)
        return result.values
    }

    private static func widths(_ type: ElementType) -> [Int] {
        switch type.elementsPerBlock {
        case 1: Array(1...33) + [64, 100, 257]
        case 32: (1...9).map { 32 * $0 } + [576]
        default: (1...5).map { $0 * type.elementsPerBlock }
        }
    }

    @Test(arguments: Implementation.all)
    func preparedVectorsAreTheSameEverywhere(_ implementation: Implementation) {
        for kind in SampleKind.allCases {
            for count in lengths + [576, 896] {
                let x = kind.values(count, seed: 40)
                let ours = Prepared(implementation.kernels, x), expected = Prepared(Implementation.reference, x)
                #expect(ours.digits == expected.digits, "\(kind) of \(count)")
                #expect(identical(ours.floats, expected.floats), "\(kind) of \(count)")
            }
        }
    }

    /// Random magnitudes from subnormal to almost infinite; 2^-21·1.005 of the largest, or 2^-127.
    @Test(arguments: 0..<40)
    func preparedVectorsAreExactToTheirBound(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let count = 1 + Int(generator.next() % 600), exponent = Int(generator.next() % 270) - 145
        let x = (0..<count).map { _ in Float(max(-1, min(1, generator.nextGaussian() / 3)) * 3 * exp2(exponent)) }
        let prepared = Prepared(Implementation.reference, x)
        for block in 0..<(count + 31) / 32 {
            let range = 32 * block..<min(count, 32 * block + 32)
            let largest = x[range].reduce(0) { max($0, abs(Double($1))) }
            let bound = max(1.005 * 0x1p-21 * largest, 0x1p-127)
            for i in range {
                #expect(abs(prepared.value(i) - Double(x[i])) <= bound, "seed \(seed), element \(i) of \(count)")
            }
            for half in 2 * block..<2 * block + 2 {
                let sum = (16 * half..<16 * half + 16).reduce(0) { $0 + prepared.value($1) }
                #expect(abs(Double(prepared.halfSum(half)) - sum) <= abs(sum) * unit, "seed \(seed)")
            }
            let sum = (32 * block..<32 * block + 32).reduce(0) { $0 + prepared.value($1) }
            #expect(abs(Double(prepared.sum(block)) - sum) <= abs(sum) * unit, "seed \(seed)")
        }
    }

    private func exp2(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

    @Test(arguments: Implementation.all, ElementType.allCases)
    func productsEqualDequantizeThenDot(_ implementation: Implementation, _ type: ElementType) throws {
        let rows = 5
        for columns in Self.widths(type) {
            let weights = Block(type.randomRows(rows, columns: columns, seed: UInt64(columns)))
            let rowBytes = try #require(type.byteCount(elements: columns))
            let identifier = try #require(identifiers[type])
            for kind in SampleKind.allCases where kind.isFinite {
                let x = kind.values(columns, seed: 20)
                let result = try Self.products(
                    implementation.kernels,
                    type,
                    weights,
                    rows: rows,
                    columns: columns,
                    tokens: 1,
                    x
                )
                var row = [Float](repeating: 0, count: columns)
                for index in 0..<rows {
                    let source = weights.base + index * rowBytes
                    Implementation.reference.pointee.dequantize(identifier, source, &row, columns)
                    let exact = zip(row, x).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                    let bound = Self.errorBound(row, x, isFixedPoint: type.elementsPerBlock > 1)
                    #expect(abs(Double(result[index]) - exact) <= bound, "\(kind), \(columns) columns")
                }
            }
        }
    }

    private static func errorBound(_ row: [Float], _ x: [Float], isFixedPoint: Bool) -> Double {
        var fixedPoint = 0.0, size = 0.0
        for first in stride(from: 0, to: row.count, by: 32) {
            let range = first..<min(first + 32, row.count)
            let weights = row[range].map { Double(abs($0)) }, values = x[range].map { Double(abs($0)) }
            let largest = values.reduce(0, max)
            fixedPoint += weights.reduce(0, +) * max(1.005 * 0x1p-21 * largest, 0x1p-127)
            // Codes and offsets are summed apart, each at most twice as large as the block's largest weight.
            size += 4 * weights.reduce(0, max) * values.reduce(0, +)
        }
        return (isFixedPoint ? fixedPoint : 0) + (Double(row.count) / 32 + 8) * unit * size + 0x1p-126
    }

    @Test(arguments: Implementation.all, ElementType.allCases)
    func severalVectorsEqualOneByOne(_ implementation: Implementation, _ type: ElementType) throws {
        let rows = 7
        for columns in type.elementsPerBlock == 1 ? [5, 100] : [type.elementsPerBlock, 3 * type.elementsPerBlock] {
            let weights = Block(type.randomRows(rows, columns: columns, seed: 41))
            for tokens in 1...9 {
                let x = SampleKind.gaussian.values(tokens * columns, seed: 42)
                func products(_ tokens: Int, _ x: [Float]) throws -> [Float] {
                    try Self.products(
                        implementation.kernels,
                        type,
                        weights,
                        rows: rows,
                        columns: columns,
                        tokens: tokens,
                        x
                    )
                }
                let single = try (0..<tokens).flatMap { token in
                    try products(1, Array(x[token * columns..<(token + 1) * columns]))
                }
                #expect(try products(tokens, x) == single, "\(tokens) vectors of \(columns)")
            }
        }
    }

    /// With fixed point an infinity is not told from NaN: all rows of that vector are NaN, and no other vector's.
    @Test(arguments: Implementation.all, ElementType.allCases)
    func oneElementThatIsNotFiniteSpoilsItsVectorOnly(_ implementation: Implementation, _ type: ElementType) throws {
        let rows = 3, columns = 512
        let weights = Block(type.randomRows(rows, columns: columns, seed: 43))
        let plain = SampleKind.gaussian.values(columns, seed: 44)
        for kind in SampleKind.allCases where !kind.isFinite {
            let spoilt = kind.values(columns, seed: 45)
            let result = try Self.products(
                implementation.kernels,
                type,
                weights,
                rows: rows,
                columns: columns,
                tokens: 2,
                spoilt + plain
            )
            #expect(result[..<rows].allSatisfy { !$0.isFinite } && result[rows...].allSatisfy { $0.isFinite })
            if implementation.instructionSet != .reference && type.elementsPerBlock > 1 {
                #expect(result[..<rows].allSatisfy { $0.isNaN })
            }
        }
    }
}
