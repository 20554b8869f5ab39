import CKernels
import Foundation
import Kernels
import TensorCore
import Testing

/// The identifiers that C knows the types by.
let identifiers: [ElementType: kva_type] = [
    .float32: KVA_F32, .float16: KVA_F16, .bfloat16: KVA_BF16, .q4_0: KVA_Q4_0, .q4_1: KVA_Q4_1, .q5_0: KVA_Q5_0,
    .q5_1: KVA_Q5_1, .q8_0: KVA_Q8_0, .q4K: KVA_Q4_K, .q5K: KVA_Q5_K, .q6K: KVA_Q6_K,
    .q2K: KVA_Q2_K, .q3K: KVA_Q3_K, .iq4NL: KVA_IQ4_NL, .iq4XS: KVA_IQ4_XS,
]

/// Bytes that stay where they are.
final class Storage: Sendable {
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    /// Begins at an odd address, as tensors in a mapped file may.
    init(_ content: [UInt8]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count + 1, alignment: 16)
        buffer[1...].copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(buffer)
    }

    deinit { bytes.deallocate() }

    var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[1...]) }
}

extension ElementType {
    /// Random rows with finite scales.
    func randomRows(_ rows: Int, columns: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let blocks = rows * columns / elementsPerBlock
        let scales: [ElementType: [Int]] = [
            .q4_0: [0], .q4_1: [0, 2], .q5_0: [0], .q5_1: [0, 2], .q8_0: [0], .q4K: [0, 2], .q5K: [0, 2], .q6K: [208],
            .q2K: [80, 82], .q3K: [108], .iq4NL: [0], .iq4XS: [0],
        ]
        return (0..<blocks).flatMap { _ -> [UInt8] in
            func bytes(_ half: UInt16) -> [UInt8] { [UInt8(half & 0xFF), UInt8(half >> 8)] }
            switch self {
            case .float32:
                let bits = Float(generator.nextGaussian()).bitPattern
                return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
            case .float16: return bytes(HalfConversion.toHalf(Float(generator.nextGaussian())))
            case .bfloat16: return bytes(HalfConversion.toBFloat([Float(generator.nextGaussian())])[0])
            default:
                var block = (0..<bytesPerBlock).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                for offset in scales[self] ?? [] {
                    block.replaceSubrange(
                        offset..<offset + 2,
                        with: bytes(HalfConversion.toHalf(Float(generator.nextGaussian() * 0.02)))
                    )
                }
                return block
            }
        }
    }
}

@Suite struct WeightMatrixTests {
    struct Sample: Decodable {
        let blocks: String
        let values: [UInt32]
    }

    static func fixture() throws -> [String: Sample] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appendingPathComponent("Fixtures/kernels/dequantize.json"))
        return try JSONDecoder().decode([String: Sample].self, from: data)
    }

    @Test(arguments: Implementation.all)
    func dequantizationEqualsTheGGUFPackageBitForBit(_ implementation: Implementation) throws {
        let fixture = try Self.fixture()
        #expect(fixture.count == ElementType.allCases.count - 1)
        for (name, sample) in fixture {
            let type = try #require(ElementType(rawValue: name)), identifier = try #require(identifiers[type])
            let digits = Array(sample.blocks)
            let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(digits[$0...$0 + 1]), radix: 16)
            }
            var values = [Float](repeating: 0, count: sample.values.count)
            implementation.kernels.pointee.dequantize(identifier, bytes, &values, values.count)
            #expect(values.map { $0.bitPattern } == sample.values, "\(name)")
        }
    }

    @Test func blockSizesAgreeWithTheElementTypes() throws {
        for type in ElementType.allCases {
            let size = kva_block_size_of(try #require(identifiers[type]))
            #expect(size.bytes == type.bytesPerBlock && size.elements == type.elementsPerBlock)
        }
    }

    @Test(arguments: ElementType.allCases)
    func manyTokensFewTokensAndOneAgree(_ type: ElementType) {
        let rows = 203, columns = 256
        let storage = Storage(type.randomRows(rows, columns: columns, seed: 7))
        let matrix = WeightMatrix(
            bytes: storage.content,
            owner: storage,
            elementType: type,
            rows: rows,
            columns: columns
        )
        let tokens = 17
        let x = SampleKind.gaussian.values(tokens * columns, seed: 21)
        var many = [Float](repeating: .nan, count: tokens * rows), few = many, one = many
        matrix.multiply(tokens: tokens, input: x, into: &many)
        matrix.multiply(tokens: 11, input: x, into: &few)
        let block = Block(x), rowBlock = Block(one)
        for token in 0..<tokens {
            matrix.multiply(vector: block.base + token * columns, into: rowBlock.base + token * rows)
        }
        one = rowBlock.values
        #expect(few[..<(11 * rows)].elementsEqual(one[..<(11 * rows)]))
        let scale = one.reduce(0) { max($0, abs($1)) }
        for (a, b) in zip(many, one) { #expect(abs(a - b) <= scale * 1e-5) }
    }

    @Test func resultsDoNotDependOnTheNumberOfThreads() {
        let rows = 333, columns = 576, tokens = 40
        let storage = Storage(ElementType.q4_1.randomRows(rows, columns: columns, seed: 8))
        let matrix = WeightMatrix(
            bytes: storage.content,
            owner: storage,
            elementType: .q4_1,
            rows: rows,
            columns: columns
        )
        let x = SampleKind.gaussian.values(tokens * columns, seed: 22), threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        let results = [1, 2, 5].map { count in
            Parallel.threadCount = count
            var vector = [Float](repeating: 0, count: rows), block = [Float](repeating: 0, count: tokens * rows)
            var few = [Float](repeating: 0, count: 7 * rows)
            matrix.multiply(vector: x, into: &vector)
            matrix.multiply(tokens: 7, input: x, into: &few)
            matrix.multiply(tokens: tokens, input: x, into: &block)
            return vector + few + block
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test func productsThatShareAVectorEqualSingleOnes() {
        let x = SampleKind.gaussian.values(256, seed: 23)
        let storages = [ElementType.q4_1, .q6K, .float16].map { Storage($0.randomRows(70, columns: 256, seed: 9)) }
        let types: [ElementType] = [.q4_1, .q6K, .float16]
        let matrices = zip(types, storages).map {
            WeightMatrix(bytes: $1.content, owner: $1, elementType: $0, rows: 70, columns: 256)
        }
        var together = [Float](repeating: 0, count: 210), apart = together
        together.withUnsafeMutableBufferPointer { y in
            guard let y = y.baseAddress else { return }
            WeightMatrix.multiply(vector: x, matrices.enumerated().map { .init($1, into: y + 70 * $0) })
        }
        apart.withUnsafeMutableBufferPointer { y in
            guard let y = y.baseAddress else { return }
            for (place, matrix) in matrices.enumerated() { matrix.multiply(vector: x, into: y + 70 * place) }
        }
        #expect(together == apart)
    }

    @Test func rowsDequantizeOneByOne() {
        let storage = Storage(ElementType.q5K.randomRows(4, columns: 512, seed: 10))
        let matrix = WeightMatrix(bytes: storage.content, owner: storage, elementType: .q5K, rows: 4, columns: 512)
        var all = [Float](repeating: 0, count: 2048), row = [Float](repeating: 0, count: 512)
        storage.content.withMemoryRebound(to: UInt8.self) { bytes in
            guard let base = bytes.baseAddress else { return }
            Implementation.reference.pointee.dequantize(KVA_Q5_K, base, &all, 2048)
        }
        for index in 0..<4 {
            matrix.dequantizeRow(index, into: &row)
            #expect(all[(512 * index)..<(512 * index + 512)].elementsEqual(row))
        }
        #expect(matrix.byteCount == 4 * 352)
    }
}
