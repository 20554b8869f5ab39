import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct MemoryReadTests {
    /// By definition: words of eight bytes, lowest first, added modulo 2⁶⁴.
    private func sum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.enumerated().reduce(0) { $0 &+ UInt64($1.element) << UInt64($1.offset % 8 * 8) }
    }

    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    @Test(arguments: Implementation.all) func theSumIsThatOfTheWords(_ implementation: Implementation) {
        let all = bytes(700, seed: 11)
        for first in 0..<9 {
            for count in lengths {
                let got = all.withUnsafeBufferPointer { buffer in
                    buffer.baseAddress.map { implementation.kernels.pointee.plain_read($0 + first, count) }
                }
                #expect(got == sum(all[first..<first + count]), "\(count) bytes from \(first)")
            }
        }
    }

    @Test(arguments: [0, 1, (128 << 10) - 1, 128 << 10, (128 << 10) + 9, 600_001])
    func readingInPartsGivesTheSameSum(count: Int) {
        let all = bytes(count, seed: 12)
        #expect(all.withUnsafeBytes { MemoryRead.sum(of: $0) } == sum(all[...]))
    }
}
